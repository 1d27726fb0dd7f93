import type { Conversation } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";
import {
  Archive,
  ArchiveRestore,
  CheckCheck,
  FolderInput,
  FolderPlus,
  FolderX,
  LogOut,
  MailOpen,
  Star,
  StarOff,
} from "lucide-react";
import { type RefObject, useRef, useState } from "react";
import { useStore } from "zustand";
import { withMissedCall } from "../../chat/alerts/alerts";
import { sectionNames } from "../../chat/conversations/list_sections";
import { unreadOf } from "../../chat/conversations/unread";
import { texts } from "../../texts";
import { muteAction, mutedText } from "../alerts/mute_actions";
import { nameOf } from "../components/conversation_names";
import type { MenuAction } from "../components/menu_action";
import MenuPopup from "../components/menu_popup";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const SectionDialog = lazyPart(() => import("./section_dialog"));
const LeaveDialog = lazyPart(() => import("../panel/leave_dialog"));

interface Props {
  conversation: Conversation;
  label: string;
  anchor: RefObject<HTMLElement | null>;
  open: boolean;
  onClose: () => void;
}

/** The menu of a conversation while it is open, and the dialogs that it opens. Loaded with the first one. */
export default function ConversationActions({ conversation, label, anchor, open, onClose }: Props) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const hasUnread = useChatState((state) => unreadOf(conversation, state.features) > 0);
  const isMissed = useStore(chat.alerts.state, ({ items }) => withMissedCall(items).has(conversation.id));
  const [leaves, setLeaves] = useState(false);
  const [names, setNames] = useState(false);
  const { id, kind, favourite = false, archived = false, section } = conversation;

  const attempt = (action: () => Promise<unknown>): void => {
    action().catch((error: Error) => chat.showNotice(error.message));
  };
  // The row leaves the list.
  const putAway = async (): Promise<void> => {
    await chat.conversations.prefer(id, { archived: true });
    const undo = (): void => attempt(() => chat.conversations.prefer(id, { archived: false }));
    chat.showToast(texts.places.isArchived(nameOf(conversation)), { label: texts.undo, run: undo });
  };
  const labels = texts.places.sections;
  const move = (wanted: string | null): Promise<unknown> => chat.conversations.prefer(id, { section: wanted });
  const sectionChoices = (): MenuAction[] => [
    ...sectionNames(Object.values(chat.state.getState().conversations)).map((name) => ({
      label: name,
      isChecked: name === section,
      onClick: () => attempt(() => move(name)),
    })),
    { label: labels.add, icon: FolderPlus, startsGroup: true, onClick: () => setNames(true) },
    { label: labels.none, icon: FolderX, isChecked: !section, onClick: () => attempt(() => move(null)) },
  ];
  const actions = (): MenuAction[] => [
    ...(hasUnread || isMissed
      ? [
          {
            label: texts.places.markRead,
            icon: CheckCheck,
            onClick: () => void chat.markRead(id),
          },
        ]
      : conversation.lastMessage === undefined
        ? []
        : [{ label: texts.markUnread, icon: MailOpen, onClick: () => void chat.messages.markUnread(id) }]),
    {
      label: favourite ? texts.places.unfavourite : texts.places.favourite,
      icon: favourite ? StarOff : Star,
      onClick: () => attempt(() => chat.conversations.prefer(id, { favourite: !favourite })),
    },
    { label: labels.move, icon: FolderInput, choices: sectionChoices },
    {
      label: archived ? texts.places.unarchive : texts.places.archive,
      icon: archived ? ArchiveRestore : Archive,
      onClick: () => attempt(() => (archived ? chat.conversations.prefer(id, { archived: false }) : putAway())),
    },
    muteAction(conversation, (wanted) =>
      attempt(async () => {
        await chat.conversations.prefer(id, wanted);
        if (wanted.muted) chat.showToast(mutedText(wanted));
      }),
    ),
    ...(may(kind, roleOf(conversation, me), "leave")
      ? [{ label: texts.places.leave, icon: LogOut, isDangerous: true, onClick: () => setLeaves(true) }]
      : []),
  ];
  // They stay as they were, because what the pointer is at would move.
  const shown = useRef<readonly MenuAction[] | null>(null);
  shown.current = open ? (shown.current ?? actions()) : null;
  return (
    <>
      {shown.current && <MenuPopup label={label} actions={shown.current} anchor={anchor} onClose={onClose} />}
      {names && <SectionDialog title={labels.addTitle} onName={move} onClose={() => setNames(false)} />}
      {leaves && <LeaveDialog conversation={conversation} onClose={() => setLeaves(false)} />}
    </>
  );
}
