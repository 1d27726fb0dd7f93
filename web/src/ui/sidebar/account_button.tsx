import { own } from "@talkwire/client/parts";
import { ChevronDown } from "lucide-react";
import { useRef, useState } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { AvatarWithPresence, usePresence } from "../people/avatar_with_presence";
import type { SidebarDialog } from "./sidebar_dialogs";
import "./account_button.css";

const AccountMenu = lazyPart(() => import("./account_menu"));

interface Props {
  onOpen: (dialog: SidebarDialog) => void;
  /** Undefined where the application decides who is signed in. */
  onSignOut: (() => void) | undefined;
}

/** The signed-in user's name and status, with a menu of status, settings and sign-out. */
export function AccountButton({ onOpen, onSignOut }: Props) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const presence = usePresence(me.id);
  // What the reader has chosen lasts without a connection, unlike whether others see them as online.
  const chosen = useStore(chat.presence.state, (state) => own(state, me.id));
  const reports = useStore(chat.openReports.count);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const status = presence?.status ?? "offline";

  return (
    <>
      <button
        type="button"
        ref={button}
        className="account"
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => {
          setOpen(true);
          chat.openReports.ask();
        }}
      >
        <span className="hidden">{texts.account.mine}</span>
        <span className="account-portrait" aria-hidden="true">
          <AvatarWithPresence userId={me.id} name={me.name} picture={me.avatar} />
          {reports !== "" && <span className="count">{reports}</span>}
        </span>
        <span className="account-name">
          <strong dir="auto">{me.name}</strong>
          {chosen?.text && (
            <span className="account-text" dir="auto">
              {chosen.text}
            </span>
          )}
        </span>
        <span className="hidden">{texts.presence[status]}</span>
        {reports !== "" && <span className="hidden">{texts.account.openReports(reports)}</span>}
        <ChevronDown className="icon" aria-hidden="true" />
      </button>
      {open && (
        <AccountMenu
          status={chosen?.status ?? "offline"}
          onOpen={onOpen}
          onSignOut={onSignOut}
          anchor={button}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
