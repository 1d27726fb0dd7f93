import { type FormEvent, useMemo, useState } from "react";
import { newestFirst } from "../../chat/conversations/conversations_by_id";
import { searchByName } from "../../chat/conversations/name_search";
import type { Message } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../chat_context";
import { Avatar } from "../components/avatar";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { faceOf, nameOf } from "../conversation/conversation_names";
import { MessagePreview } from "./message_preview";

interface Props {
  message: Message;
  onClose: () => void;
}

/** The server's limit. */
const TARGETS_MAX = 20;

export default function ForwardDialog({ message, onClose }: Props) {
  const chat = useChat();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await chat.messages.forward(message.id, chosen);
      chat.announce(texts.forwardDone);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={texts.forwardMessage} onClose={onClose}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        <MessagePreview message={message} />
        <Targets chosen={chosen} onChange={setChosen} />
        <FormButtons
          problem={problem}
          action={chosen.length > 1 ? `${texts.forward} (${chosen.length})` : texts.forward}
          disabled={busy || chosen.length === 0}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

interface TargetsProps {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

function Targets({ chosen, onChange }: TargetsProps) {
  const { conversations: list } = useChat();
  const conversations = useChatState((state) => state.conversations);
  const me = useChatState((state) => state.me);
  const hasMore = useChatState((state) => state.nextConversations !== null);
  const [query, setQuery] = useState("");
  const shown = useMemo(() => searchByName(newestFirst(conversations), nameOf, query), [conversations, query]);
  const change = (id: string): void =>
    onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <fieldset className="targets">
      <legend>{texts.forwardTo}</legend>
      <input
        aria-label={texts.filterConversations}
        placeholder={texts.filterConversations}
        value={query}
        autoComplete="off"
        onChange={(event) => setQuery(event.target.value)}
      />
      <ul>
        {shown.map((conversation) => (
          <li key={conversation.id}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(conversation.id)}
                disabled={!chosen.includes(conversation.id) && chosen.length >= TARGETS_MAX}
                onChange={() => change(conversation.id)}
              />
              <Avatar id={faceOf(conversation, me)} name={nameOf(conversation)} />
              <span>{nameOf(conversation)}</span>
            </label>
          </li>
        ))}
        {shown.length === 0 && <li className="note">{texts.noConversationFound}</li>}
      </ul>
      {hasMore && (
        <button type="button" className="quiet" onClick={() => void list.loadMore()}>
          {texts.moreConversations}
        </button>
      )}
    </fieldset>
  );
}
