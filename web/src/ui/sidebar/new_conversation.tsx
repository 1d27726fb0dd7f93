import type { ConversationKind, Person } from "@talkwire/client";
import { creatable } from "@talkwire/client/parts";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { RadioGroup } from "../components/radio_group";
import { Switch } from "../components/switch";
import { isComposing } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { PeopleFinder } from "../people/people_finder";
import { whyNotAdded } from "../people/why_not_added";

interface Props {
  /** The kind that is chosen at first; undefined: the first of those that the reader may start. */
  wanted?: ConversationKind | undefined;
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** A form for a direct conversation, a group or a channel. */
export default function NewConversation({ wanted: first, onClose, onOpen }: Props) {
  const { conversations } = useChat();
  const rights = useChatState((state) => state.rights);
  const kinds = creatable(rights);
  const [chosen, setChosen] = useState<readonly Person[]>([]);
  const [wanted, setWanted] = useState<ConversationKind>(first ?? kinds[0] ?? "direct");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [name, setName] = useState("");
  // With a second person it becomes a group.
  const kind = wanted === "direct" && chosen.length > 1 && rights.createGroup ? "group" : wanted;

  const choose = (people: readonly Person[]): void => {
    setChosen(people);
    setProblem("");
  };
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const memberIds = chosen.map((user) => user.id);
    setBusy(true);
    setProblem("");
    try {
      onOpen(
        await conversations.create(kind === "direct" ? { kind, memberIds } : { kind, memberIds, ...rulesOf(form) }),
      );
    } catch (error) {
      setProblem(whyNotAdded(error as Error, chosen));
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={texts.newConversation}
      onClose={onClose}
      isChanged={chosen.length > 0 || name !== ""}
      focusOn={(first ?? kinds[0] ?? "direct") === "direct" ? "[role=combobox]" : "[name=name]"}
    >
      <form onSubmit={(event) => void submit(event)}>
        <RadioGroup
          label={texts.places.kind}
          options={kinds.map((each) => ({ value: each, label: texts.kinds[each] }))}
          value={kind}
          onChange={setWanted}
        />
        <p className="hint">{texts.places.kindHints[kind]}</p>
        {kind !== "direct" && <NameField kind={kind} name={name} onName={setName} isAlone={chosen.length === 0} />}
        <PeopleFinder chosen={chosen} onChange={choose} isOpenAtFirst />
        {kind !== "direct" && <Rules kind={kind} />}
        <FormButtons
          problem={problem}
          action={kind === "direct" ? texts.start : texts.createConversation}
          disabled={busy || (kind === "direct" ? chosen.length !== 1 : name.trim() === "")}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

interface NameProps {
  kind: "group" | "channel";
  name: string;
  onName: (name: string) => void;
  /** Whether nobody else is chosen yet. */
  isAlone: boolean;
}

/** In a group without people, Enter leads to the field for them. Only the button creates it as it is. */
function NameField({ kind, name, onName, isAlone }: NameProps) {
  const leads = kind === "group" && isAlone;
  const pressed = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (!leads || event.key !== "Enter" || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    event.currentTarget.form?.querySelector<HTMLElement>("[role=combobox]")?.focus();
  };
  return (
    <label>
      {kind === "group" ? texts.groupName : texts.places.channelName}
      <input
        name="name"
        required
        maxLength={100}
        value={name}
        autoComplete="off"
        enterKeyHint={leads ? "next" : undefined}
        onKeyDown={pressed}
        onChange={(event) => onName(event.target.value)}
      />
    </label>
  );
}

function Rules({ kind }: Pick<NameProps, "kind">) {
  return (
    <>
      <Switch label={texts.places.isPublic} key={kind} name="public" defaultChecked={kind === "channel"} />
      <label>
        {texts.places.history}
        <select name="history" defaultValue="all">
          <option value="all">{texts.places.histories.all}</option>
          <option value="from-join">{texts.places.histories["from-join"]}</option>
        </select>
      </label>
    </>
  );
}

function rulesOf(form: FormData): { name: string; public: boolean; history: "all" | "from-join" } {
  return {
    name: String(form.get("name")).trim(),
    public: form.has("public"),
    history: form.get("history") === "from-join" ? "from-join" : "all",
  };
}
