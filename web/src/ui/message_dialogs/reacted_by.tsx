import type { Member, Message } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChatState } from "../page/chat_context";
import { NamesakeHandle } from "../people/person_handle";
import { LoadedDialog } from "./loaded_dialog";

interface Props {
  message: Message;
  onClose: () => void;
}

const NOBODY: readonly Member[] = [];

/** Who has reacted, by emoji. */
export default function ReactedBy({ message: { reactions = [], conversationId }, onClose }: Props) {
  const me = useChatState((state) => state.me);
  const members = useChatState(({ conversations }) => own(conversations, conversationId)?.members) ?? NOBODY;
  const memberOf = (id: string): Member | undefined => members.find(({ userId }) => userId === id);
  const nameOf = (id: string): string => (id === me.id ? texts.you : (memberOf(id)?.name ?? id));
  return (
    <LoadedDialog title={texts.whoReacted} isLoading={false} problem="" onClose={onClose}>
      {reactions.map(({ emoji, count, userIds }) => (
        <section key={emoji} aria-label={texts.reacted(emoji, count)}>
          <h3>
            {emoji} {count}
          </h3>
          <ul className="receipts">
            {userIds.map((id) => (
              <li key={id}>
                <Avatar id={id} name={nameOf(id)} picture={memberOf(id)?.avatar} />
                <span className="receipt-name" dir="auto">
                  {nameOf(id)}
                </span>
                <NamesakeHandle userId={id} name={nameOf(id)} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </LoadedDialog>
  );
}
