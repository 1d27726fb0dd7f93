import type { Conversation } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";
import { Archive, ArchiveRestore, CheckCheck, Ellipsis, LogOut, MailOpen, Star, StarOff } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { nameOf } from "../conversation/conversation_names";
import { muteAction } from "../conversation/mute_actions";
import { lazyPart } from "../lazy_part";

const LeaveDialog = lazyPart(() => import("../conversation/leave_dialog"));

interface Props {
  conversation: Conversation;
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** What can be done with a conversation without opening it. */
export function ConversationMenu({ conversation, open, setOpen }: Props) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const [leaves, setLeaves] = useState(false);
  const { id, kind, favourite = false, archived = false, unreadCount } = conversation;

  const attempt = (action: () => Promise<unknown>): void => {
    action().catch((error: Error) => chat.showNotice(error.message));
  };
  const actions = (): MenuAction[] => [
    ...(unreadCount
      ? [
          {
            label: texts.places.markRead,
            icon: CheckCheck,
            onClick: () => attempt(() => chat.conversations.markRead(id)),
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
    {
      label: archived ? texts.places.unarchive : texts.places.archive,
      icon: archived ? ArchiveRestore : Archive,
      onClick: () => attempt(() => chat.conversations.prefer(id, { archived: !archived })),
    },
    muteAction(conversation, (wanted) => attempt(() => chat.conversations.prefer(id, wanted))),
    ...(may(kind, roleOf(conversation, me), "leave")
      ? [{ label: texts.places.leave, icon: LogOut, isDangerous: true, onClick: () => setLeaves(true) }]
      : []),
  ];
  return (
    <>
      <MenuButton
        icon={Ellipsis}
        label={texts.places.menuOf(nameOf(conversation))}
        actions={actions}
        open={open}
        onOpen={setOpen}
      />
      {leaves && <LeaveDialog conversation={conversation} onClose={() => setLeaves(false)} />}
    </>
  );
}
