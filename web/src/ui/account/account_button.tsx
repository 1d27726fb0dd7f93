import { ChevronDown, Circle, EyeOff, Keyboard, LogOut, MinusCircle, Moon, Settings, Smile } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import type { ChosenStatus } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import type { MenuAction } from "../components/menu_action";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import { usePresence } from "../people/use_presence";
import type { SidebarDialog } from "../sidebar/sidebar_dialogs";
import "./account_button.css";

const MenuPopup = lazy(() => import("../components/menu_popup"));

const STATUSES = [
  ["online", Circle],
  ["away", Moon],
  ["dnd", MinusCircle],
  ["invisible", EyeOff],
] as const;

interface Props {
  onOpen: (dialog: SidebarDialog) => void;
  onSignOut: () => void;
}

/** The signed-in user's name and status, with a menu of status, settings and sign-out. */
export function AccountButton({ onOpen, onSignOut }: Props) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const presence = usePresence(me.id);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const status = presence?.status ?? "offline";

  const choose = (wanted: ChosenStatus): void => {
    chat.idle.choose(wanted).catch((error: Error) => chat.showNotice(error.message));
  };
  const actions = (): MenuAction[] => [
    ...STATUSES.map(([each, icon]) => ({
      label: texts.account.statuses[each],
      icon,
      isChecked: each === status,
      onClick: () => choose(each),
    })),
    {
      label: texts.account.setText,
      icon: Smile,
      startsGroup: true,
      onClick: () => onOpen({ kind: "settings", section: "profile" }),
    },
    { label: texts.account.settings, icon: Settings, onClick: () => onOpen({ kind: "settings" }) },
    { label: texts.keyboard, icon: Keyboard, onClick: () => chat.openOverlay("shortcuts") },
    { label: texts.signOut, icon: LogOut, startsGroup: true, onClick: onSignOut },
  ];
  return (
    <>
      <button
        type="button"
        ref={button}
        className="account"
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      >
        <span className="hidden">{texts.account.mine}</span>
        <span aria-hidden="true">
          <AvatarWithPresence userId={me.id} name={me.name} picture={me.avatar} />
        </span>
        <span className="account-name">
          <strong>{me.name}</strong>
          {presence?.text && <span className="account-text">{presence.text}</span>}
        </span>
        <span className="hidden">{texts.presence[status]}</span>
        <ChevronDown className="icon" aria-hidden="true" />
      </button>
      {open && (
        <Suspense>
          <MenuPopup
            label={texts.account.menu}
            placement="bottom-start"
            actions={actions()}
            anchor={button}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}
