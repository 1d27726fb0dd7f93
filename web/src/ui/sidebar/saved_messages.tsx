import type { SavedMessage, SavedMessagePage } from "@talkwire/client";
import { Bookmark, BookmarkX } from "lucide-react";
import { useEffect, useState } from "react";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { shortTime } from "../../time_format";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { IconButton } from "../components/icon_button";
import { AttachedLine } from "../files/attached_line";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { FindWhere } from "../search/find_where";
import "../search/message_results.css";

interface Props {
  onClose: () => void;
}

/** The messages that the reader has saved, last saved first. Choosing one opens it in its conversation. */
export default function SavedMessages({ onClose }: Props) {
  const { saved } = useChat();
  const [page, setPage] = useState<SavedMessagePage | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let current = true;
    saved.list().then(
      (first) => current && setPage(first),
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [saved]);

  const attempt = (action: () => Promise<void>): void => {
    setProblem("");
    action().catch((error: Error) => setProblem(error.message));
  };
  const showMore = async ({ items, next }: SavedMessagePage): Promise<void> => {
    const more = await saved.list(next ?? undefined);
    setPage({ items: [...items, ...more.items], next: more.next });
  };
  const remove = async (shown: SavedMessagePage, { message }: SavedMessage): Promise<void> => {
    await saved.remove(message.conversationId, message.id);
    setPage({ ...shown, items: shown.items.filter((each) => each.message.id !== message.id) });
  };
  return (
    <Dialog title={texts.saved.title} onClose={onClose} className="large">
      {page === null && problem === "" && <p className="note">{texts.loading}</p>}
      {page?.items.length === 0 && (
        <EmptyState icon={Bookmark} title={texts.saved.none}>
          <p>{texts.saved.noneHint}</p>
        </EmptyState>
      )}
      {page !== null && page.items.length > 0 && (
        <ul className="finds">
          {page.items.map((each) => (
            <Entry
              key={each.message.id}
              saved={each}
              onOpen={onClose}
              onRemove={() => attempt(() => remove(page, each))}
            />
          ))}
        </ul>
      )}
      {page !== null && page.next !== null && (
        <button type="button" className="quiet" onClick={() => attempt(() => showMore(page))}>
          {texts.saved.more}
        </button>
      )}
      <p className="problem" role="alert">
        {problem}
      </p>
    </Dialog>
  );
}

interface EntryProps {
  saved: SavedMessage;
  onOpen: () => void;
  onRemove: () => void;
}

function Entry({ saved: { message }, onOpen, onRemove }: EntryProps) {
  const { id, conversationId, sender, createdAt } = message;
  const open = (): void => {
    onOpen();
    goTo(conversationId, id);
  };
  return (
    <li>
      <button type="button" className="find" onClick={open}>
        <span className="find-who">
          <strong dir="auto">{sender.name}</strong>
          <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
        <FindWhere conversationId={conversationId} author={sender.name} />
        <span className="find-says" dir="auto">
          {plainText(messageSummary(message))}
        </span>
        <AttachedLine message={message} />
      </button>
      <IconButton icon={BookmarkX} label={texts.saved.remove} onClick={onRemove} />
    </li>
  );
}
