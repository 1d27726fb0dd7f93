// The shop, whose chat is Talkwire's: JWT_SECRET=… CALLBACK_SECRET=whsec_… TALKWIRE=http://localhost:3000 npm run after
import "reflect-metadata";
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Module,
  type OnApplicationBootstrap,
  Param,
  Post,
  Query,
  type RawBodyRequest,
  Req,
  UnauthorizedException,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { IncomingMessage } from "node:http";
import { Webhook } from "standardwebhooks";
import { orders, tokenOf } from "../shop.js";
import { createConversation, putTeam, talkwire } from "./talkwire.js";

const webhook = new Webhook(process.env.CALLBACK_SECRET!);

@Controller()
class ShopController implements OnApplicationBootstrap {
  // Where a real shop takes an order, it creates the conversation too.
  async onApplicationBootstrap() {
    await putTeam();
    for (const [id, { buyer }] of orders) await createConversation(id, buyer);
  }

  // Signs in anybody who says a name, which a real shop does not.
  @Get("chat-token")
  token(@Query("user") user: string) {
    return tokenOf({ id: user, name: user });
  }

  // Was the event trackOrder.
  @Get("orders/:id")
  order(@Param("id") id: string) {
    return orders.get(id);
  }

  @Post("orders/:id/ship")
  async ship(@Param("id") id: string) {
    const order = orders.get(id)!;
    order.status = "shipped";
    const message = { id };
    await talkwire("POST", "/api/gateway/send", { userId: order.buyer, event: "orderShipped", message, store: true });
    return order;
  }

  // Talkwire asks before it stores a message. Was the first line of the handler of the event message.
  @Post("chat/before-send")
  @HttpCode(200)
  beforeSend(@Req() request: RawBodyRequest<IncomingMessage>, @Body("command") command: { content?: string }) {
    try {
      webhook.verify(request.rawBody!, request.headers as Record<string, string>);
    } catch {
      throw new UnauthorizedException();
    }
    const isAdvertising = /buy now/i.test(command.content ?? "");
    return isAdvertising ? { error: { code: "forbidden", message: "Advertising is not allowed here." } } : {};
  }
}

@Module({ controllers: [ShopController] })
class ShopModule {}

const shop = await NestFactory.create(ShopModule, { logger: ["error"], rawBody: true });
await shop.listen(Number(process.env.PORT ?? 4000), "127.0.0.1");
console.log("ready");
