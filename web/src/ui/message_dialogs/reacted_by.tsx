import type { Message } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChatState } from "../page/chat_context";
import { NamesakeHandle } from "../people/person_handle";
import { useNameIn } from "../people/use_name_in";
import { LoadedDialog } from "./loaded_dialog";

interface Props {
  message: Message;
  onClose: () => void;
}

/** Who has reacted, by emoji. */
export default function ReactedBy({ message: { reactions = [], conversationId }, onClose }: Props) {
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
                <Person id={id} conversationId={conversationId} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </LoadedDialog>
  );
}

/** A user with their picture, in a list about a message. */
export function Person({ id, conversationId }: { id: string; conversationId: string }) {
  const isMe = useChatState(({ me }) => me.id === id);
  const picture = useChatState(
    ({ conversations }) => own(conversations, conversationId)?.members?.find(({ userId }) => userId === id)?.avatar,
  );
  const known = useNameIn(conversationId, id) ?? texts.notices.somebody;
  const name = isMe ? texts.you : known;
  return (
    <>
      <Avatar id={id} name={name} picture={picture} />
      <span className="receipt-name" dir="auto">
        {name}
      </span>
      <NamesakeHandle userId={id} name={name} />
    </>
  );
}
