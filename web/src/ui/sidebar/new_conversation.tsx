import type { ConversationKind, Person } from "@talkwire/client";
import { creatable } from "@talkwire/client/parts";
import { ChevronRight, type LucideIcon, Megaphone, Users } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { Switch } from "../components/switch";
import { byTouch, isComposing } from "../keyboard/focus";
import { useChat, useChatState } from "../page/chat_context";
import { PeopleFinder } from "../people/people_finder";
import { PeopleList } from "../people/people_list";
import { whyNotAdded } from "../people/why_not_added";
import "./new_conversation.css";

type PlaceKind = Exclude<ConversationKind, "direct">;

const ICONS: Readonly<Record<PlaceKind, LucideIcon>> = { group: Users, channel: Megaphone };

interface Props {
  /** The kind of place to create; undefined: the reader chooses a person, or that. */
  wanted?: PlaceKind | undefined;
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** People, of whom choosing one opens a direct conversation, and the ways to a form for a group or a channel. */
export default function NewConversation({ wanted, onClose, onOpen }: Props) {
  const kinds = creatable(useChatState((state) => state.rights));
  const places = kinds.filter((kind) => kind !== "direct");
  const isDirect = kinds.includes("direct");
  // With one way there is nothing to choose.
  const only = !isDirect && places.length === 1 ? places[0] : undefined;
  const [kind, setKind] = useState(wanted ?? only);
  const [chosen, setChosen] = useState<readonly Person[]>([]);
  const [name, setName] = useState("");
  const back = wanted === undefined && only === undefined ? () => setKind(undefined) : undefined;
  const ways = places.length > 0 && <Ways kinds={places} onChoose={setKind} />;
  return (
    <Dialog
      title={kind === undefined ? texts.newConversation : texts.places.newOnes[kind]}
      onClose={onClose}
      isChanged={kind !== undefined && (chosen.length > 0 || name !== "")}
      focusOn={kind === undefined ? undefined : "[name=name]"}
      className="large"
    >
      {kind !== undefined && (
        <PlaceForm {...{ kind, name, chosen, back, onClose, onOpen }} onName={setName} onChosen={setChosen} />
      )}
      {kind === undefined && !isDirect && ways}
      {kind === undefined && isDirect && (
        <PeopleList onOpen={onOpen}>
          {ways}
          <h3 className="new-people">{texts.people.all}</h3>
        </PeopleList>
      )}
    </Dialog>
  );
}

interface WaysProps {
  kinds: readonly PlaceKind[];
  onChoose: (kind: PlaceKind) => void;
}

function Ways({ kinds, onChoose }: WaysProps) {
  return (
    <>
      {kinds.map((kind) => {
        const Icon = ICONS[kind];
        return (
          <button key={kind} type="button" className="new-place" onClick={() => onChoose(kind)}>
            <Icon className="icon" aria-hidden="true" />
            <span>
              {texts.places.newOnes[kind]}
              <small>{texts.places.kindHints[kind]}</small>
            </span>
            <ChevronRight className="icon onward" aria-hidden="true" />
          </button>
        );
      })}
    </>
  );
}

interface FormProps {
  kind: PlaceKind;
  name: string;
  onName: (name: string) => void;
  chosen: readonly Person[];
  onChosen: (chosen: readonly Person[]) => void;
  /** Returns to the choice, if there is one. */
  back: (() => void) | undefined;
  onClose: () => void;
  onOpen: (id: string) => void;
}

function PlaceForm({ kind, name, onName, chosen, onChosen, back, onClose, onOpen }: FormProps) {
  const { conversations } = useChat();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const rules = rulesOf(new FormData(event.currentTarget));
    setBusy(true);
    setProblem("");
    try {
      onOpen(await conversations.create({ kind, memberIds: chosen.map(({ id }) => id), ...rules }));
    } catch (error) {
      setProblem(whyNotAdded(error as Error, chosen));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <p className="hint">{texts.places.kindHints[kind]}</p>
      <NameField kind={kind} name={name} onName={onName} isAlone={chosen.length === 0} />
      <PeopleFinder
        chosen={chosen}
        onChange={(people) => {
          onChosen(people);
          setProblem("");
        }}
        isOpenAtFirst
      />
      <Rules kind={kind} />
      <FormButtons
        problem={problem}
        action={texts.createConversation}
        disabled={busy || name.trim() === ""}
        back={back}
        onClose={onClose}
      />
    </form>
  );
}

interface NameProps {
  kind: PlaceKind;
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
        // biome-ignore lint/a11y/noAutofocus: the reader has just chosen to name it
        autoFocus={!byTouch}
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
