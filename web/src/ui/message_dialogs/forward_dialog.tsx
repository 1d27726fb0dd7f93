import type { Message } from "@talkwire/client";
import { newestFirst } from "@talkwire/client/parts";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { searchByName } from "../../chat/conversations/name_search";
import { mayWriteIn } from "../../chat/conversations/writing";
import { type ForwardResult, type ForwardTarget, forwardToAll } from "../../chat/messages/forwarding";
import { handleOf } from "../../chat/people/namesakes";
import { addressOf } from "../../place";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { ChipField } from "../components/chip_field";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { faceOf, nameOf, partnerOf } from "../conversation/conversation_names";
import { isComposing } from "../keyboard/focus";
import { moveAmong } from "../keyboard/move_among";
import { goTo } from "../page_address";
import { Handle } from "../people/person_handle";
import { type KnownPerson, usePeople } from "../people/use_people";
import { MessagePreview } from "./message_preview";
import "../components/round_tick.css";

interface Props {
  message: Message;
  onClose: () => void;
}

const TARGETS_MAX = 20;

/** Forwards a message to conversations and people. Says where it went in a toast; what was refused stays in the dialog. */
export default function ForwardDialog({ message, onClose }: Props) {
  const chat = useChat();
  const [chosen, setChosen] = useState<readonly ShownTarget[]>([]);
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState(false);
  const [results, setResults] = useState<readonly ForwardResult[] | null>(null);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const all = await forwardToAll(chat, message, chosen, comment.trim());
    if (all.some(({ problem }) => problem !== "")) return setResults(all);
    onClose();
    const [only] = all;
    const id = all.length === 1 ? only?.conversationId : undefined;
    const open = id ? { label: texts.openConversation, run: () => goTo(id) } : undefined;
    chat.showToast(texts.forwardedTo(listedNames(all.map(({ target }) => target.name))), open);
  };
  if (results !== null) return <Results results={results} onClose={onClose} />;
  return (
    <Dialog title={texts.forwardMessage} onClose={onClose} isChanged={chosen.length > 1 || comment !== ""}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        <MessagePreview message={message} />
        <Targets chosen={chosen} onChange={setChosen} />
        <label>
          {texts.forwardComment}
          <textarea rows={2} value={comment} onChange={(event) => setComment(event.target.value)} />
        </label>
        <FormButtons problem="" action={actionFor(chosen)} disabled={busy || chosen.length === 0} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** Returns the words of the button, which name one target and count several. */
function actionFor(chosen: readonly ShownTarget[]): string {
  const [first] = chosen;
  if (first === undefined) return texts.forward;
  return texts.forwardToThem(chosen.length === 1 ? first.name : String(chosen.length));
}

/** Names at most three. */
function listedNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
}

/** Where the message went, with links, and where not. */
function Results({ results, onClose }: { results: readonly ForwardResult[]; onClose: () => void }) {
  return (
    <Dialog title={texts.forwardResult} onClose={onClose}>
      <div className="question">
        <div role="status">
          <ul className="forward-results">
            {results.map((result) => (
              <li key={result.target.id}>
                <Outcome result={result} onClose={onClose} />
              </li>
            ))}
          </ul>
        </div>
      </div>
    </Dialog>
  );
}

function Outcome({
  result: { target, conversationId, problem },
  onClose,
}: {
  result: ForwardResult;
  onClose: () => void;
}) {
  if (conversationId === null) return <span className="problem">{texts.notForwardedTo(target.name, problem)}</span>;
  return (
    <>
      <a href={addressOf(conversationId)} onClick={onClose}>
        {texts.forwardedTo(target.name)}
      </a>
      {problem !== "" && <span className="problem"> {texts.commentNotSent(problem)}</span>}
    </>
  );
}

interface TargetsProps {
  chosen: readonly ShownTarget[];
  onChange: (chosen: readonly ShownTarget[]) => void;
}

/**
 * A filter and a list to tick. What is ticked stands in the filter too. Enter ticks the first match; arrow keys go
 * through all.
 */
function Targets({ chosen, onChange }: TargetsProps) {
  const { conversations: list } = useChat();
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const [query, setQuery] = useState("");
  const { people: named } = usePeople(query.trim());
  const places = usePlaces(query, named);
  const people = useStrangers(named);
  const ids = new Set(chosen.map(({ id }) => id));
  const change = (target: ShownTarget): void =>
    onChange(ids.has(target.id) ? chosen.filter(({ id }) => id !== target.id) : [...chosen, target]);
  const tickFirst = (): void => {
    const first = [...places, ...people][0];
    if (query.trim() === "" || first === undefined) return;
    if (!ids.has(first.id) && chosen.length < TARGETS_MAX) change(first);
    setQuery("");
  };
  const itemOf = (each: ShownTarget) => (
    <li key={each.id}>
      <label>
        <Avatar id={each.face} name={each.name} picture={each.picture} isPlace={each.isPlace} />
        <span className="target-name">
          <bdi>{each.name}</bdi> <Handle handle={each.handle} />
        </span>
        <input
          type="checkbox"
          className="round-tick"
          checked={ids.has(each.id)}
          disabled={!ids.has(each.id) && chosen.length >= TARGETS_MAX}
          onChange={() => change(each)}
        />
      </label>
    </li>
  );
  return (
    <fieldset className="targets" onKeyDown={(event) => moveAmong(event, "input")}>
      <legend>{texts.forwardTo}</legend>
      <ChipField chosen={chosen} onChange={onChange}>
        <input
          aria-label={texts.filterConversations}
          placeholder={chosen.length === 0 ? texts.filterConversations : ""}
          value={query}
          autoComplete="off"
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || isComposing(event.nativeEvent)) return;
            event.preventDefault();
            tickFirst();
          }}
        />
      </ChipField>
      <ul className="target-list">
        {places.map(itemOf)}
        {people.length > 0 && <li className="note">{texts.forwardPeople}</li>}
        {people.map(itemOf)}
        {places.length + people.length === 0 && <li className="note">{texts.noConversationFound}</li>}
      </ul>
      {hasMore && (
        <button type="button" className="quiet" onClick={() => void list.loadMore()}>
          {texts.moreConversations}
        </button>
      )}
    </fieldset>
  );
}

interface ShownTarget extends ForwardTarget {
  /** The id for the avatar's colour. */
  readonly face: string;
  readonly picture: string | undefined;
  /** Whether it is a group or a channel. */
  readonly isPlace: boolean;
  /** Of the person. */
  readonly handle: string | undefined;
}

/** Returns the conversations where the reader may write. */
function usePlaces(query: string, people: readonly KnownPerson[]): readonly ShownTarget[] {
  const { conversations: list } = useChat();
  const conversations = useChatState((state) => state.conversations);
  const me = useChatState((state) => state.me);
  const blocked = useChatState((state) => state.blocked);
  // Lists have no members of channels, and so not the reader's role there.
  useEffect(() => {
    for (const { id, kind, members } of Object.values(conversations))
      if (kind === "channel" && members === undefined) void list.load(id);
  }, [list, conversations]);
  return useMemo(
    () =>
      searchByName(newestFirst(conversations), nameOf, query)
        .filter((each) => mayWriteIn(each, me, blocked))
        .map((each) => {
          const partner = partnerOf(each, me);
          return {
            id: each.id,
            name: nameOf(each),
            isPerson: false,
            face: faceOf(each, me),
            picture: each.avatar,
            isPlace: each.kind !== "direct",
            handle: partner && handleOf({ ...partner, id: partner.userId }, people),
          };
        }),
    [conversations, me, blocked, query, people],
  );
}

/** Returns those of the people with whom the reader has no conversation. */
function useStrangers(people: readonly KnownPerson[]): readonly ShownTarget[] {
  const conversations = useChatState((state) => state.conversations);
  const me = useChatState((state) => state.me);
  const blocked = useChatState((state) => state.blocked);
  const mayCreate = useChatState((state) => state.rights.createDirect);
  return useMemo(() => {
    if (!mayCreate) return [];
    const known = new Set(Object.values(conversations).map((each) => partnerOf(each, me)?.userId));
    return people
      .filter(({ id }) => id !== me.id && !known.has(id) && !blocked.has(id))
      .map((user) => {
        const { id, name, avatar } = user;
        return { id, name, isPerson: true, face: id, picture: avatar, isPlace: false, handle: handleOf(user, people) };
      });
  }, [people, conversations, me, blocked, mayCreate]);
}
