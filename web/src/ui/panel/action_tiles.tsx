import type { Conversation } from "@talkwire/client";
import type { LucideIcon } from "lucide-react";
import { BellOff, Images, Search } from "lucide-react";
import { type ComponentProps, type ReactNode, useRef, useState } from "react";
import { texts } from "../../texts";
import { muteAction } from "../alerts/mute_actions";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import "./action_tiles.css";

const MenuPopup = lazyPart(() => import("../components/menu_popup"));

/** The main actions of a conversation, side by side. */
export function ActionTiles({ conversation, children }: { conversation: Conversation; children?: ReactNode }) {
  return (
    <div className="tiles">
      {children}
      <MuteTile conversation={conversation} />
      {children === undefined && <PanelTiles />}
    </div>
  );
}

interface TileProps extends Pick<ComponentProps<"button">, "ref" | "onClick" | "aria-haspopup" | "aria-expanded"> {
  icon: LucideIcon;
  label: string;
  /** A shorter word to show, which is part of the label. */
  word?: string;
}

/** An action: its icon above a word. */
export function Tile({ icon: Icon, label, word = label, ...rest }: TileProps) {
  return (
    <button type="button" className="tile" aria-label={label} title={label} {...rest}>
      <Icon className="icon" aria-hidden="true" />
      <span>{word}</span>
    </button>
  );
}

/** What a narrow header has only in its menu. */
function PanelTiles() {
  const chat = useChat();
  return (
    <>
      <Tile icon={Search} label={texts.search} onClick={() => chat.openPanel({ kind: "search" })} />
      <Tile icon={Images} label={texts.filesPanel.title} onClick={() => chat.openPanel({ kind: "files" })} />
    </>
  );
}

function MuteTile({ conversation }: { conversation: Conversation }) {
  const { conversations, showNotice } = useChat();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const {
    label,
    icon = BellOff,
    choices,
    onClick,
  } = muteAction(conversation, (wanted) => {
    conversations.prefer(conversation.id, wanted).catch((error: Error) => showNotice(error.message));
  });
  return (
    <>
      <Tile
        ref={button}
        icon={icon}
        label={label}
        word={conversation.muted ? label : texts.places.tiles.mute}
        aria-haspopup={choices === undefined ? undefined : "menu"}
        aria-expanded={choices === undefined ? undefined : open}
        onClick={() => (choices === undefined ? onClick?.() : setOpen(true))}
      />
      {open && choices && (
        <MenuPopup
          label={label}
          placement="bottom-start"
          actions={choices()}
          anchor={button}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
