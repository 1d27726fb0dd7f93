import type { Message } from "@talkwire/client";
import { newestFirst } from "@talkwire/client/parts";
import type { LucideIcon } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import type { Chat } from "../../chat/chat";
import { searchByName } from "../../chat/conversations/name_search";
import { mayWriteIn } from "../../chat/conversations/writing";
import { Forwarding, type ForwardResult, type ForwardTarget } from "../../chat/messages/forwarding";
import { handleOf, hasNamesake } from "../../chat/people/namesakes";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import { ChipField } from "../components/chip_field";
import { faceOf, nameOf, partnerOf, soughtIn } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { signOf } from "../components/kind_icon";
import { isComposing } from "../keyboard/focus";
import { moveAmong } from "../keyboard/move_among";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { useIsGone } from "../page/use_is_gone";
import { Handle } from "../people/person_handle";
import { type KnownPerson, usePeople } from "../people/use_people";
import { MessagePreview } from "./message_preview";
import "../components/round_tick.css";

interface Props {
  message: Message;
  onClose: () => void;
}

const TARGETS_MAX = 20;

/**
 * Forwards a message, as it is shown, to conversations and people. Says where it went in a toast. While it is not sent
 * everywhere, the dialog stays with what is missing.
 */
export default function ForwardDialog({ message, onClose }: Props) {
  const chat = useChat();
  const [forwarding] = useState(() => new Forwarding(chat));
  const [content] = useState(message.content);
  const [chosen, setChosen] = useState<readonly ShownTarget[]>([]);
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState(false);
  /** Where the message is already. */
  const [done, setDone] = useState<readonly ForwardResult[]>([]);
  const [failed, setFailed] = useState<readonly ForwardResult[]>([]);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailed([]);
    const results = await forwarding.toAll(message, chosen, comment.trim());
    if (results === null) return setBusy(false);
    const reached = withResults(done, results);
    if (results.every(({ problem }) => problem === "")) {
      onClose();
      return showForwarded(chat, reached);
    }
    setBusy(false);
    setDone(reached);
    setFailed(results.filter(({ problem }) => problem !== ""));
    setChosen((now) => leftOf(now, results));
  };
  const isDeleted = message.deletedAt !== undefined;
  const isGone = useIsGone(message.conversationId);
  const over = isGone ? texts.noLongerIn : isDeleted ? texts.forwardDeleted : "";
  return (
    <Dialog title={texts.forwardMessage} onClose={onClose} isChanged={chosen.length > 1 || comment !== ""}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        <MessagePreview message={message} />
        <p className="preview-news" role="status">
          {!isDeleted && message.content !== content && texts.forwardEdited}
        </p>
        <Targets chosen={chosen} onChange={setChosen} />
        <label>
          {texts.forwardComment}
          <textarea rows={2} value={comment} onChange={(event) => setComment(event.target.value)} />
        </label>
        <FormButtons
          done={done.length === 0 ? "" : texts.forwardedTo(listedNames(done))}
          problem={over || problemOf(failed)}
          action={actionFor(chosen)}
          disabled={busy || over !== "" || chosen.length === 0}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

/** Adds the conversations that have the message now, each once. */
function withResults(done: readonly ForwardResult[], results: readonly ForwardResult[]): readonly ForwardResult[] {
  const known = new Set(done.map(({ conversationId }) => conversationId));
  return [...done, ...results.filter((each) => each.isForwarded && !known.has(each.conversationId))];
}

/** Returns the targets that still lack something. A person whose conversation was created is that conversation. */
function leftOf(chosen: readonly ShownTarget[], results: readonly ForwardResult[]): readonly ShownTarget[] {
  return chosen.flatMap((target) => {
    const result = results.find((each) => each.target.id === target.id);
    if (result?.problem === "") return [];
    const id = result?.conversationId ?? null;
    return [id === null ? target : { ...target, id, isPerson: false }];
  });
}

/** Returns where the message, and the comment, was not sent, each reason once. */
function problemOf(failed: readonly ForwardResult[]): string {
  const missing = failed.filter(({ isForwarded }) => !isForwarded);
  const uncommented = failed.filter(({ isForwarded }) => isForwarded);
  const reasonsOf = (results: readonly ForwardResult[]) => [...new Set(results.map(({ problem }) => problem))];
  const namesFor = (reason: string) => listedNames(missing.filter(({ problem }) => problem === reason));
  return [
    ...reasonsOf(missing).map((reason) => texts.notForwardedTo(namesFor(reason), reason)),
    ...reasonsOf(uncommented).map((reason) => texts.commentNotSent(reason)),
  ].join(" ");
}

function showForwarded(chat: Chat, results: readonly ForwardResult[]): void {
  const id = results.length === 1 ? results[0]?.conversationId : null;
  const open = id ? { label: texts.openConversation, run: () => goTo(id) } : undefined;
  chat.showToast(texts.forwardedTo(listedNames(results)), open);
}

/** Returns the words of the button, which name one target and count several. */
function actionFor(chosen: readonly ShownTarget[]): string {
  const [first] = chosen;
  if (first === undefined) return texts.forward;
  return texts.forwardToThem(chosen.length === 1 ? first.name : String(chosen.length));
}

/** Names at most three. */
function listedNames(results: readonly ForwardResult[]): string {
  const names = results.map(({ target }) => target.name);
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
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
  const handleInChip = (target: ShownTarget): string | undefined =>
    hasNamesake(target, [...chosen, ...places, ...people]) ? target.handle : undefined;
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
        {faceOfTarget(each)}
        <span className="target-name cut-line">
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
      <ChipField chosen={chosen} onChange={onChange} face={faceOfTarget} handle={handleInChip}>
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

function faceOfTarget({ face, name, picture, isPlace, sign }: ShownTarget) {
  return <Avatar id={face} name={name} picture={picture} isPlace={isPlace} sign={sign} />;
}

interface ShownTarget extends ForwardTarget {
  /** The id for the avatar's colour. */
  readonly face: string;
  readonly picture: string | undefined;
  /** Whether it is a group or a channel. */
  readonly isPlace: boolean;
  readonly sign?: LucideIcon | null;
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
      searchByName(newestFirst(conversations), (each) => soughtIn(each, me), query)
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
            sign: signOf(each),
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
