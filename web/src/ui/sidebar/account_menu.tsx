import type { ChosenStatus } from "@talkwire/client";
import {
  Bookmark,
  Circle,
  EyeOff,
  Keyboard,
  LogOut,
  MinusCircle,
  MonitorCog,
  Moon,
  Settings,
  Smile,
} from "lucide-react";
import type { RefObject } from "react";
import { useStore } from "zustand";
import { inMinutes, tomorrowAt } from "../../chat/ends";
import { texts } from "../../texts";
import { endTime } from "../../time_format";
import type { MenuAction } from "../components/menu_action";
import MenuPopup from "../components/menu_popup";
import { byTouch } from "../keyboard/focus";
import { useChat } from "../page/chat_context";
import type { SidebarDialog } from "./sidebar_dialogs";

const STATUSES = [
  ["online", Circle],
  ["away", Moon],
  ["dnd", MinusCircle],
  ["invisible", EyeOff],
] as const;

interface Props {
  status: string;
  onOpen: (dialog: SidebarDialog) => void;
  /** Undefined where the application decides who is signed in. */
  onSignOut: (() => void) | undefined;
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
}

/** Leads to the console, and to its reports if any wait. */
function consoleAction(reports: string): MenuAction {
  const action = { label: texts.account.console, icon: MonitorCog };
  if (reports === "") return { ...action, href: "admin" };
  const count = { shown: reports, words: texts.account.openReports(reports) };
  return { ...action, count, href: "admin#/reports" };
}

/** The menu of the signed-in user. A module of its own, because few visits need it. */
export default function AccountMenu({ status, onOpen, onSignOut, anchor, onClose }: Props) {
  const chat = useChat();
  const statusUntil = useStore(chat.presence.state, () => chat.presence.mine?.statusUntil);
  const { openReports } = chat;
  const reports = useStore(openReports.count);
  const choose = (wanted: ChosenStatus, until?: Date): void => {
    const ends = until === undefined ? {} : { statusUntil: until.toISOString() };
    chat.idle.choose(wanted, undefined, ends).catch((error: Error) => chat.showNotice(error.message));
  };
  const dndChoices = (): MenuAction[] => {
    const { half, hour, tomorrow, always } = texts.account.dndFor;
    const morning = tomorrowAt(8);
    return [
      { label: half, onClick: () => choose("dnd", inMinutes(30)) },
      { label: hour, onClick: () => choose("dnd", inMinutes(60)) },
      { label: tomorrow(endTime(morning.toISOString())), onClick: () => choose("dnd", morning) },
      { label: always, onClick: () => choose("dnd") },
    ];
  };
  const actions: MenuAction[] = [
    ...STATUSES.map(([each, icon]) => ({
      label:
        each === "dnd" && statusUntil ? texts.account.dndUntil(endTime(statusUntil)) : texts.account.statuses[each],
      icon,
      isChecked: each === status,
      ...(each === "dnd" ? { choices: dndChoices } : { onClick: () => choose(each) }),
    })),
    {
      label: texts.account.setText,
      icon: Smile,
      startsGroup: true,
      onClick: () => onOpen({ kind: "status" }),
    },
    { label: texts.saved.title, icon: Bookmark, startsGroup: true, onClick: () => onOpen({ kind: "saved" }) },
    { label: texts.account.settings, icon: Settings, onClick: () => onOpen({ kind: "settings" }) },
    ...(byTouch ? [] : [{ label: texts.keyboard, icon: Keyboard, onClick: () => chat.openOverlay("shortcuts") }]),
    ...(openReports.hasConsole ? [consoleAction(reports)] : []),
    ...(onSignOut === undefined ? [] : [{ label: texts.signOut, icon: LogOut, startsGroup: true, onClick: onSignOut }]),
  ];
  return (
    <MenuPopup
      label={texts.account.menu}
      placement="bottom-start"
      actions={actions}
      anchor={anchor}
      onClose={onClose}
    />
  );
}
