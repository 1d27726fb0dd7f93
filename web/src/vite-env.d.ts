/// <reference types="vite/client" />

declare module "virtual:emoji" {
  const set: import("./chat/writing/emoji").PackedSet;
  export default set;
}
