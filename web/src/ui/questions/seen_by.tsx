import { useCallback } from "react";
import type { Message, Receipt } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat } from "../context";
import { Avatar } from "../parts/avatar";
import { fullTime } from "../times";
import { LoadedDialog } from "./loaded_dialog";
import { useLoading } from "./loading";

interface Props {
  message: Message;
  onClose: () => void;
}

/** Who has read one's own message, who has it, and who is still to get it. */
export default function SeenBy({ message: { id, createdAt }, onClose }: Props) {
  const { messages } = useChat();
  const { items, problem } = useLoading(useCallback(() => messages.receipts(id), [messages, id]));
  const read = items?.filter(({ readAt }) => readAt !== undefined) ?? [];
  const delivered = items?.filter(({ readAt, deliveredAt }) => readAt === undefined && deliveredAt !== undefined) ?? [];
  const others = items?.filter(({ readAt, deliveredAt }) => readAt === undefined && deliveredAt === undefined) ?? [];
  return (
    <LoadedDialog title={texts.seenBy} isLoading={items === null} problem={problem} onClose={onClose}>
      <People title={texts.seen} receipts={read} since={createdAt} />
      <People title={texts.received} receipts={delivered} since={createdAt} />
      <People title={texts.notReceived} receipts={others} since={createdAt} />
    </LoadedDialog>
  );
}

interface PeopleProps {
  title: string;
  receipts: readonly Receipt[];
  /** When the message was sent: whoever came later has it from the beginning, at no time that anybody knows. */
  since: string;
}

function People({ title, receipts, since }: PeopleProps) {
  if (receipts.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} ({receipts.length})
      </h3>
      <ul className="receipts">
        {receipts.map(({ userId, name, readAt, deliveredAt }) => (
          <li key={userId}>
            <Avatar id={userId} name={name} />
            <span className="receipt-name" dir="auto">
              {name}
            </span>
            <Time at={readAt ?? deliveredAt} since={since} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const Time = ({ at, since }: { at: string | undefined; since: string }) =>
  at === undefined || Date.parse(at) < Date.parse(since) ? null : <time dateTime={at}>{fullTime(at)}</time>;
