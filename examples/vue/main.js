import { Talkwire } from "@talkwire/client";
import { createApp } from "vue";
import Room from "./Room.vue";

const { url, conversation } = await (await fetch("/chat.json")).json();
const chat = new Talkwire({ url, token: async () => (await fetch("/chat-token")).text() });
chat.connect().catch((error) => alert(error.message));

createApp(Room, { chat, id: conversation }).mount("#app");
