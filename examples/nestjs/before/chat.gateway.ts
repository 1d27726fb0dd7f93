// The shop's own chat gateway: rooms, messages in memory, and two events of the shop.
import { randomUUID } from "node:crypto";
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from "@nestjs/websockets";
import type { Server, Socket } from "socket.io";
import { orders, userOf } from "../shop.js";

type Room = { conversationId: string };

@WebSocketGateway({ cors: true })
export class ChatGateway implements OnGatewayInit {
  @WebSocketServer() private readonly server!: Server;
  private readonly messages: Record<string, object[]> = {};

  afterInit(server: Server) {
    server.use(async (socket, next) => {
      try {
        socket.data.user = await userOf(socket.handshake.auth.token);
        await socket.join(`user:${socket.data.user.id}`);
        next();
      } catch {
        next(new Error("Authentication failed"));
      }
    });
  }

  @SubscribeMessage("joinRoom")
  async join(@ConnectedSocket() socket: Socket, @MessageBody() { conversationId }: Room) {
    await socket.join(conversationId);
    return { event: "roomJoined", data: { success: true, data: { conversationId } } };
  }

  @SubscribeMessage("getHistory")
  history(@MessageBody() { conversationId }: Room) {
    const messages = this.messages[conversationId] ?? [];
    return { event: "history", data: { success: true, data: { conversationId, messages } } };
  }

  @SubscribeMessage("message")
  send(@ConnectedSocket() socket: Socket, @MessageBody() { conversationId, message }: Room & { message: string }) {
    if (/buy now/i.test(message)) return { event: "error", data: { message: "Advertising is not allowed here." } };
    const { id: senderId, name: senderName } = socket.data.user;
    const timestamp = new Date().toISOString();
    const sent = { id: randomUUID(), conversationId, senderId, senderName, message, timestamp };
    (this.messages[conversationId] ??= []).push(sent);
    this.server.to(conversationId).emit("roomMessage", sent);
  }

  @SubscribeMessage("typing")
  typing(@ConnectedSocket() socket: Socket, @MessageBody() { conversationId }: Room) {
    const { id: userId, name: userName } = socket.data.user;
    socket.to(conversationId).emit("typing", { conversationId, userId, userName, isTyping: true });
  }

  @SubscribeMessage("trackOrder")
  track(@MessageBody() { id }: { id: string }) {
    return { status: orders.get(id)?.status ?? "unknown" };
  }

  notify(userId: string, event: string, data: object) {
    this.server.to(`user:${userId}`).emit(event, data);
  }

  exported() {
    return this.messages;
  }
}
