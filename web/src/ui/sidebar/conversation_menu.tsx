import type { Conversation } from "@talkwire/client";
import { Ellipsis } from "lucide-react";
import { useRef } from "react";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { IconButton } from "../components/icon_button";
import { lazyPart } from "../page/lazy_part";
import "../components/menu.css";

const ConversationActions = lazyPart(() => import("./conversation_actions"));

interface Props {
  conversation: Conversation;
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** What can be done with a conversation without opening it. */
export function ConversationMenu({ conversation, open, setOpen }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const wasOpened = useRef(false);
  wasOpened.current ||= open;
  const label = texts.places.menuOf(nameOf(conversation));
  return (
    <>
      <IconButton
        ref={button}
        icon={Ellipsis}
        label={label}
        tabIndex={-1}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      />
      {wasOpened.current && (
        <ConversationActions
          conversation={conversation}
          label={label}
          anchor={button}
          open={open}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
