/** Registers `<talkwire-chat>`, and adds it to the elements of React's types. */

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import "./index.ts";
import type { TalkwireChat } from "./talkwire_chat.ts";

export type TalkwireChatProps = DetailedHTMLProps<HTMLAttributes<TalkwireChat>, TalkwireChat> &
  Pick<TalkwireChat, "server"> &
  Partial<Pick<TalkwireChat, "language" | "conversation" | "theme" | "compact" | "label" | "token">>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "talkwire-chat": TalkwireChatProps;
    }
  }
}
