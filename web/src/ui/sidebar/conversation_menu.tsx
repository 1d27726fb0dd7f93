import { Bell, BellOff, CheckCheck, Ellipsis, LogOut, MailOpen } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { may, roleOf } from "../../chat/conversations/rights";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { nameOf } from "../conversation/conversation_names";

const LeaveDialog = lazy(() => import("../conversation/leave_dialog"));

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
  const { id, kind, muted = false, unreadCount } = conversation;

  const mute = async (): Promise<void> => {
    const preferences = await chat.alerts.preferencesOf(id);
    await chat.alerts.setPreferencesOf(id, { ...preferences, muted: !muted });
  };
  const attempt = (action: () => Promise<void>): void => {
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
      label: muted ? texts.places.unmute : texts.places.mute,
      icon: muted ? Bell : BellOff,
      onClick: () => attempt(mute),
    },
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
      {leaves && (
        <Suspense>
          <LeaveDialog conversation={conversation} onClose={() => setLeaves(false)} />
        </Suspense>
      )}
    </>
  );
}
