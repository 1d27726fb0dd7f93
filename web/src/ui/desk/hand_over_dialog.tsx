import type { Conversation } from "@talkwire/client";
import { type FormEvent, useId, useState } from "react";
import { searchByName } from "../../chat/conversations/name_search";
import { Avatar } from "../components/avatar";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat, useChatState } from "../page/chat_context";
import { handOver } from "./handling";
import { deskTexts } from "./texts";

const NOTE_MAX = 2_000;
const { handOver: words } = deskTexts;

/** A colleague or a team to whom a conversation can be handed over. */
interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly avatar?: string | undefined;
  readonly isTeam: boolean;
}

/** Asks to whom the conversation is handed over, and what they should know. */
export function HandOverDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const chat = useChat();
  const candidates = useCandidates(conversation);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<Candidate | null>(null);
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const found = searchByName(candidates, ({ name }) => name, query);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (chosen === null) return;
    setBusy(true);
    setProblem("");
    try {
      await handOver(chat, conversation.id, chosen.id, note.trim());
      onClose();
      chat.showToast(words.done(chosen.name));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={words.title} onClose={onClose} className="hand-over" isChanged={note !== ""}>
      <form onSubmit={(event) => void submit(event)}>
        <input
          type="search"
          aria-label={words.find}
          placeholder={words.find}
          value={query}
          onChange={({ target }) => setQuery(target.value)}
        />
        <div className="hand-over-found">
          <Choices
            title={words.people}
            of={found.filter(({ isTeam }) => !isTeam)}
            chosen={chosen}
            onChoose={setChosen}
          />
          <Choices title={words.teams} of={found.filter(({ isTeam }) => isTeam)} chosen={chosen} onChoose={setChosen} />
          {found.length === 0 && <p className="note">{words.noneFound}</p>}
        </div>
        <label>
          {words.note}
          <textarea
            rows={2}
            dir="auto"
            maxLength={NOTE_MAX}
            value={note}
            onChange={({ target }) => setNote(target.value)}
          />
        </label>
        <FormButtons problem={problem} action={words.action} disabled={busy || chosen === null} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** Returns the other members through the conversation's teams, these teams and those of the reader. */
function useCandidates({ members = [], teams = [], handler }: Conversation): readonly Candidate[] {
  const me = useChatState((state) => state.me);
  const mine = useChatState((state) => state.teams);
  const people = members
    .filter(({ via = [], userId }) => via.length > 0 && userId !== handler && userId !== me.id)
    .map(({ userId, name, avatar }) => ({ id: userId, name, avatar, isTeam: false }));
  const known = new Map([
    ...teams.map(({ teamId, name }) => [teamId, name] as const),
    ...mine.map(({ id, name }) => [id, name] as const),
  ]);
  return [...people, ...[...known].map(([id, name]) => ({ id, name, isTeam: true }))];
}

interface ChoicesProps {
  title: string;
  of: readonly Candidate[];
  chosen: Candidate | null;
  onChoose: (candidate: Candidate) => void;
}

function Choices({ title, of, chosen, onChoose }: ChoicesProps) {
  const group = useId();
  if (of.length === 0) return null;
  return (
    <fieldset>
      <legend>{title}</legend>
      {of.map((each) => (
        <label key={each.id} className="hand-over-choice reach">
          <input
            type="radio"
            name={group}
            checked={chosen?.id === each.id && chosen.isTeam === each.isTeam}
            onChange={() => onChoose(each)}
          />
          <Avatar id={each.id} name={each.name} picture={each.avatar} isPlace={each.isTeam} />
          <span>
            <bdi>{each.name}</bdi>
            {each.isTeam && <small>{words.teamHint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
