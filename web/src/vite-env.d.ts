/// <reference types="vite/client" />

declare module "virtual:emoji" {
  const set: import("./chat/writing/emoji").PackedSet;
  export default set;
}

declare module "virtual:emoji/*" {
  const words: import("./chat/writing/emoji").EmojiWords;
  export default words;
}
