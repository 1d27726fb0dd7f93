import type { Message, Receipt } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { useCallback } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { useChat, useChatState } from "../page/chat_context";
import { NamesakeHandle } from "../people/person_handle";
import { LoadedDialog, useLoading } from "./loaded_dialog";

interface Props {
  message: Message;
  onClose: () => void;
}

/**
 * Who has read the reader's own message, who has received it, and who has not. It shows no times: the server knows when
 * somebody read last, which for an older message is later than when they read that.
 */
export default function SeenBy({ message: { id, conversationId, createdAt }, onClose }: Props) {
  const { messages } = useChat();
  const members = useChatState((state) => own(state.conversations, conversationId)?.members);
  const isLater = (userId: string): boolean => {
    // Who joined later is unknown until the members are loaded.
    if (members === undefined) return true;
    const joinedAt = members.find((member) => member.userId === userId)?.joinedAt;
    return joinedAt !== undefined && Date.parse(joinedAt) > Date.parse(createdAt);
  };
  const { items, problem } = useLoading(useCallback(() => messages.receipts(id), [messages, id]));
  const read = items?.filter(({ readAt }) => readAt !== undefined) ?? [];
  const delivered = items?.filter(({ readAt, deliveredAt }) => readAt === undefined && deliveredAt !== undefined) ?? [];
  // Members who joined later do not count.
  const others =
    items?.filter(
      ({ userId, readAt, deliveredAt }) => readAt === undefined && deliveredAt === undefined && !isLater(userId),
    ) ?? [];
  const isLoading = items === null || members === undefined;
  return (
    <LoadedDialog title={texts.seenBy} isLoading={isLoading} problem={problem} onClose={onClose}>
      <People title={texts.seen} receipts={read} />
      <People title={texts.received} receipts={delivered} />
      <People title={texts.notReceived} receipts={others} />
      {!isLoading && read.length + delivered.length + others.length === 0 && <p>{texts.seenByNobody}</p>}
    </LoadedDialog>
  );
}

interface PeopleProps {
  title: string;
  receipts: readonly Receipt[];
}

function People({ title, receipts }: PeopleProps) {
  if (receipts.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} ({receipts.length})
      </h3>
      <ul className="receipts">
        {receipts.map(({ userId, name, avatar }) => (
          <li key={userId}>
            <Avatar id={userId} name={name} picture={avatar} />
            <span className="receipt-name" dir="auto">
              {name}
            </span>
            <NamesakeHandle userId={userId} name={name} />
          </li>
        ))}
      </ul>
    </section>
  );
}
