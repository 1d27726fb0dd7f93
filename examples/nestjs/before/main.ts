// The shop with its own gateway: JWT_SECRET=… PORT=4000 npm run before
import "reflect-metadata";
import { Controller, Get, Inject, Module, Param, Post, Query } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { orders, tokenOf } from "../shop.js";
import { ChatGateway } from "./chat.gateway.js";

@Controller()
class ShopController {
  constructor(@Inject(ChatGateway) private readonly chat: ChatGateway) {}

  // Signs in anybody who says a name, which a real shop does not.
  @Get("chat-token")
  token(@Query("user") user: string) {
    return tokenOf({ id: user, name: user });
  }

  @Post("orders/:id/ship")
  ship(@Param("id") id: string) {
    const order = orders.get(id)!;
    order.status = "shipped";
    this.chat.notify(order.buyer, "orderShipped", { id });
    return order;
  }

  // For the move: everything that was written, by conversation. A real shop asks its database.
  @Get("messages")
  messages() {
    return this.chat.exported();
  }
}

@Module({ controllers: [ShopController], providers: [ChatGateway] })
class ShopModule {}

const shop = await NestFactory.create(ShopModule, { logger: ["error"] });
await shop.listen(Number(process.env.PORT ?? 4000), "127.0.0.1");
console.log("ready");
