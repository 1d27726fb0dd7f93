import type { Attachment, Message } from "@talkwire/client";
import { useMemo } from "react";
import { useStore } from "zustand";
import { messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { excerptOf, type Piece, piecesOf } from "../../chat/search/highlight";
import { foundNothing, isSearchable, type Search } from "../../chat/search/search";
import { texts } from "../../texts";
import { shortTime } from "../../time_format";
import { useGoToMessage } from "../components/panel_layout";
import { FileIcon } from "../files/file_icon";
import { useIsFolded } from "../people/folded";
import { NamesakeHandle } from "../people/person_handle";
import { FindWhere } from "./find_where";
import "./message_results.css";

/** The results and the status of a search. */
export function MessageResults({ search }: { search: Search<Message> }) {
  const result = useStore(search.state);
  const { query, items, next, status, problem } = result;
  if (!isSearchable(query)) return null;
  return (
    <>
      <ul className="finds" aria-busy={status === "loading"}>
        {items.map((message) => (
          <Result key={message.id} message={message} query={query.text} isElsewhere={query.conversationId === null} />
        ))}
      </ul>
      <p className="found-status" role="status">
        {status === "loading" && texts.loading}
        {foundNothing(result) && texts.noMessagesFound}
      </p>
      {status === "failed" && (
        <p className="problem" role="alert">
          {problem}{" "}
          <button type="button" className="quiet" onClick={() => void search.search(query)}>
            {texts.retry}
          </button>
        </p>
      )}
      {next !== null && status === "done" && (
        <button type="button" className="quiet" onClick={() => void search.loadMore()}>
          {texts.showMore}
        </button>
      )}
    </>
  );
}

/**
 * What a blocked user says in a group is hidden, and can be shown among the messages. `isElsewhere`: the result may be in
 * any conversation, so it is named.
 */
function Result({ message, query, isElsewhere }: { message: Message; query: string; isElsewhere: boolean }) {
  const jump = useGoToMessage();
  const { id, conversationId, senderId, sender, createdAt } = message;
  const isFolded = useIsFolded(conversationId, senderId);
  return (
    <li>
      <button type="button" className="find" data-found={id} onClick={() => jump(conversationId, id)}>
        <span className="find-who">
          {!isFolded && (
            <>
              <strong dir="auto">{sender.name}</strong> <NamesakeHandle userId={senderId} name={sender.name} />
            </>
          )}
          <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
        {isElsewhere && <FindWhere conversationId={conversationId} author={isFolded ? "" : sender.name} />}
        {isFolded ? (
          <span className="find-says">{texts.people.folded}</span>
        ) : (
          <Found message={message} query={query} />
        )}
      </button>
    </li>
  );
}

/** What a message says around the matches, and its files whose names match. */
function Found({ message, query }: { message: Message; query: string }) {
  const pieces = useMemo(() => piecesOf(plainText(excerptOf(messageSummary(message), query)), query), [message, query]);
  return (
    <>
      <span className="find-says" dir="auto">
        <Marked pieces={pieces} />
      </span>
      {foundFiles(message, query).map((file) => (
        <span key={file.url} className="find-file">
          <FileIcon type={file.contentType} />
          <span dir="auto">
            <Marked pieces={piecesOf(file.name, query)} />
          </span>
        </span>
      ))}
    </>
  );
}

export function Marked({ pieces }: { pieces: readonly Piece[] }) {
  return pieces.map(({ text, isFound }, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text have no other key
    isFound ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
  );
}

/** Returns the files whose names match, unless the message's summary says what they are already. */
function foundFiles(message: Message, query: string): readonly Attachment[] {
  const { attachments = [] } = message;
  const summary = messageSummary(message);
  const isShown = ({ name, waveform = [] }: Attachment) => name === summary || waveform.length > 0;
  return attachments.filter((file) => !isShown(file) && piecesOf(file.name, query).some(({ isFound }) => isFound));
}
