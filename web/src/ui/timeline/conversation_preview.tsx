import type { Conversation, Message, Offer } from "@talkwire/client";
import { atComposer, newestCall, type OutboxEntry, typistsIn } from "@talkwire/client/parts";
import { Clock, MessagesSquare } from "lucide-react";
import { useStore } from "zustand";
import { newestOffer } from "../../chat/conversations/unread";
import { filesSummary, messageSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { formatAmount } from "../../chat/offers/money";
import { texts } from "../../texts";
import { partnerOf } from "../components/conversation_names";
import { useUnfinishedThreads } from "../composer/use_unfinished";
import { unsentText } from "../files/problem_text";
import { useChat, useChatState } from "../page/chat_context";
import { useIsFolded } from "../people/folded";
import { useNameIn } from "../people/use_name_in";
import { noticeText } from "./notice_text";

interface Props {
  conversation: Conversation;
  isOpen: boolean;
  /** The newest message that was refused, otherwise the newest that is not sent yet. */
  unsent: OutboxEntry | undefined;
}

/**
 * One line about a conversation: who is typing, a message that was refused, the reader's draft, or the newest message,
 * offer or call.
 */
export function ConversationPreview({ conversation, isOpen, unsent }: Props) {
  const { id, kind } = conversation;
  const typists = useStore(useChat().typing.state, (state) => typistsIn(state, id));
  const draft = useDraft(id);
  // Below the messages of the open conversation, a line says who is typing, and its draft is in the field.
  if (typists.length > 0 && !isOpen)
    return (
      <span className="last typist" dir="auto">
        {kind === "direct" ? texts.typingNow : texts.typing(typists.map(({ name }) => name))}
      </span>
    );
  if (unsent?.problem != null) return <Unsent entry={unsent} />;
  if (draft.text !== "" && !isOpen)
    return (
      <span className="last cut-line">
        <span className="draft">{texts.places.draft} </span>
        <bdi>{draft.text}</bdi>
      </span>
    );
  if (draft.isInThread) return <span className="last draft">{texts.places.draftInThread}</span>;
  return unsent === undefined ? <Newest conversation={conversation} /> : <Unsent entry={unsent} />;
}

/** Returns the draft of a conversation: its text or that of an edit, otherwise its files; and whether a thread has one. */
function useDraft(id: string): { text: string; isInThread: boolean } {
  const { drafts, uploads } = useChat();
  const files = useStore(uploads.state, (all) => filesSummary(atComposer(all, id)));
  const threads = useUnfinishedThreads();
  const isInThread = [...threads].some(([place, what]) => what === "draft" && place.startsWith(`${id} `));
  const text = drafts.unfinished(id);
  return { text: text === "" ? files : text, isInThread };
}

/** A message that waits for the connection, or that the server refused. */
function Unsent({ entry }: { entry: OutboxEntry }) {
  const label = useChatState(({ connected }) => (connected ? texts.sending : texts.waitingForConnection));
  const files = useStore(useChat().uploads.state, (all) =>
    filesSummary(all.filter(({ entryId }) => entryId === entry.clientMessageId)),
  );
  if (entry.problem !== null) return <span className="last draft">{texts.notSent(unsentText(entry))}</span>;
  return (
    <span className="last cut-line">
      <Clock className="icon" role="img" aria-label={label} />
      {`${texts.you}${texts.colon} `}
      <bdi>{entry.content === "" ? files : plainText(entry.content)}</bdi>
    </span>
  );
}

/** The newest message, offer or call. */
function Newest({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const offer = useChatState((state) => newestOffer(conversation, state.features));
  if (offer !== undefined) return <Offered offer={offer} isDirect={conversation.kind === "direct"} />;
  const call = newestCall(conversation);
  const called = call && noticeText(call, me.id, partnerOf(conversation, me)?.name);
  if (called)
    return (
      <span className="last" dir="auto">
        {called}
      </span>
    );
  const { kind, lastMessage } = conversation;
  if (lastMessage === undefined) return <span className="last">{texts.places.nothingSaid}</span>;
  return <LastMessage message={lastMessage} isDirect={kind === "direct"} />;
}

function Offered({ offer, isDirect }: { offer: Offer; isDirect: boolean }) {
  const { conversationId, authorId, amount, currency, status } = offer;
  const isMine = useChatState((state) => state.me.id === authorId);
  const author = useNameIn(conversationId, isDirect ? undefined : authorId);
  const isFolded = useIsFolded(conversationId, authorId);
  if (isFolded) return <span className="last">{texts.people.foldedOffer}</span>;
  const by = isMine ? texts.you : author && firstName(author);
  const what = texts.offers.preview(formatAmount(amount, currency));
  return (
    <span className="last">
      {by !== undefined && (
        <>
          <bdi>{by}</bdi>
          {`${texts.colon} `}
        </>
      )}
      {what}
      {status !== "pending" && ` · ${texts.offers.status[status]}`}
    </span>
  );
}

function LastMessage({ message, isDirect }: { message: Message; isDirect: boolean }) {
  const { conversationId, senderId, sender, type, threadId } = message;
  const isMine = useChatState((state) => state.me.id === senderId);
  const isFolded = useIsFolded(conversationId, senderId);
  if (isFolded) return <span className="last">{texts.people.folded}</span>;
  return (
    <span className="last cut-line">
      {threadId !== undefined && <MessagesSquare className="icon" role="img" aria-label={texts.inThread} />}
      {(isMine || !isDirect) && type !== "system" && (
        <span className="said-by" data-colon={texts.colon}>
          <bdi>
            {isMine ? texts.you : firstName(sender.name)}
            <span className="heard">{`${texts.colon} `}</span>
          </bdi>
        </span>
      )}
      <bdi>{plainText(messageSummary(message))}</bdi>
    </span>
  );
}

/** Returns the start of a name, which leaves room for what the person said. That of deleted accounts is no name. */
const firstName = (name: string): string =>
  name === texts.people.erasedName ? name : (name.trim().split(/\s+/)[0] ?? name);
