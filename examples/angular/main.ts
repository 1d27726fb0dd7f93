// Angular compiles the template in the browser here, so that the example needs no more than Vite. An application that
// is made with the Angular CLI leaves out this import.
import "@angular/compiler";
import { Component, enableProdMode, signal } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { type Message, type PendingMessage, Talkwire } from "@talkwire/client";

const { url, conversation } = await (await fetch("/chat.json")).json();
const chat = new Talkwire({ url, token: async () => (await fetch("/chat-token")).text() });
chat.connect().catch((error) => alert(error.message));

@Component({
  selector: "chat-page",
  template: `
    <p role="status">{{ state() }}</p>
    <ol>
      @for (message of messages(); track message.id) {
        <li>{{ message.sender.name }}: {{ message.content }}</li>
      }
      @for (message of pending(); track message.clientMessageId) {
        <li>{{ message.content }} …</li>
      }
    </ol>
    <form (submit)="submit($event, input)">
      <input #input aria-label="Message" (input)="room.startTyping()" />
      <button type="submit">Send</button>
    </form>
  `,
})
class ChatPage {
  readonly room = chat.conversation(conversation);
  readonly state = signal<string>(chat.state);
  readonly messages = signal<readonly Message[]>(this.room.messages);
  readonly pending = signal<readonly PendingMessage[]>(this.room.pending);

  constructor() {
    chat.on("state", (state) => this.state.set(state));
    this.room.on("change", (room) => {
      this.messages.set(room.messages);
      this.pending.set(room.pending);
    });
  }

  submit(event: Event, input: HTMLInputElement): void {
    event.preventDefault();
    this.room.send(input.value).catch((error) => alert(error.message));
    input.value = "";
  }
}

enableProdMode();
await bootstrapApplication(ChatPage);
