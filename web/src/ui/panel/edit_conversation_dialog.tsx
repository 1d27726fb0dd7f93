import type { Conversation } from "@talkwire/client";
import type { Rules } from "@talkwire/client/parts";
import { type FormEvent, useState } from "react";
import { requirePicture } from "../../chat/files/require_picture";
import { texts } from "../../texts";
import { changesFrom } from "../components/changed_fields";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { Switch } from "../components/switch";
import { useChat, useChatState } from "../page/chat_context";
import { PictureField } from "../settings/picture_field";

/** Seconds that the form offers; the server accepts up to a day. */
const SLOW = [0, 10, 30, 60, 300, 900, 3600, 86_400] as const;

const LEVELS = ["all", "mentions", "none"] as const;

interface Props {
  conversation: Conversation;
  /** A selector of the field that gets the focus instead of the first one. */
  focusOn?: string;
  onClose: () => void;
}

/**
 * Edits the picture, the texts and the rules of a group or a channel. Only what the reader has changed is sent, so that it
 * does not undo what others change meanwhile.
 */
export function EditConversationDialog({ conversation, focusOn, onClose }: Props) {
  const { moderation } = useChat();
  const owns = useChatState(({ me }) => conversation.ownerId === me.id);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [hint, setHint] = useState("");
  /** Null removes the picture. */
  const [picture, setPicture] = useState<File | null>();
  /** What the form began with, and what others have saved since where the reader was warned of it. */
  const [before, setBefore] = useState(conversation);
  const { id, kind } = conversation;
  const { name, topic, description, public: isPublic, history, slowModeS = 0, notify = "" } = before;
  const changesIn = (form: HTMLFormElement): Partial<Rules> =>
    changesFrom(rulesAt(before), rulesOf(new FormData(form)));
  const slow = SLOW.some((each) => each === slowModeS) ? SLOW : [...SLOW, slowModeS];

  const choose = async (file: File): Promise<void> => {
    setProblem("");
    try {
      await requirePicture(file);
      setPicture(file);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const changes = changesIn(event.currentTarget);
    if (picture === undefined && Object.keys(changes).length === 0) return onClose();
    const lost = changedByOthers(rulesAt(before), rulesAt(conversation), changes);
    if (lost.length > 0) {
      setProblem(texts.places.changedByOthers(lost.map((field) => shown(conversation, field)).join(", ")));
      return setBefore({ ...before, ...Object.fromEntries(lost.map((field) => [field, conversation[field]])) });
    }
    setBusy(true);
    setProblem("");
    try {
      if (picture === null) await moderation.update(id, { ...changes, avatar: null });
      else await moderation.update(id, changes, picture);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={texts.places.changeTitle[kind]}
      onClose={onClose}
      focusOn={focusOn}
      isChanged={picture !== undefined}
    >
      <PictureField
        id={id}
        name={nameOf(conversation)}
        picture={picture === null ? undefined : conversation.avatar}
        chosen={picture ?? undefined}
        isPlace
        label={texts.settings.picture}
        busy={busy && picture instanceof File}
        onChoose={(file) => void choose(file)}
        onRemove={() => setPicture(conversation.avatar === undefined ? undefined : null)}
      />
      <form
        onSubmit={(event) => void submit(event)}
        onChange={({ currentTarget }) =>
          setHint(hintFor(conversation, { ...rulesAt(conversation), ...changesIn(currentTarget) }))
        }
      >
        <label>
          {texts.places.name}
          <input name="name" required maxLength={100} defaultValue={name} autoComplete="off" />
        </label>
        <label>
          {texts.places.topic}
          <input
            name="topic"
            maxLength={250}
            defaultValue={topic}
            placeholder={texts.places.topicHint}
            autoComplete="off"
          />
        </label>
        <label>
          {texts.places.description}
          <textarea name="description" rows={3} maxLength={2000} defaultValue={description} />
        </label>
        <Switch label={texts.places.isPublic} name="public" defaultChecked={isPublic} />
        <label>
          {texts.places.history}
          <select name="history" defaultValue={history}>
            <option value="all">{texts.places.histories.all}</option>
            <option value="from-join">{texts.places.histories["from-join"]}</option>
          </select>
        </label>
        {hint !== "" && (
          <p className="hint" role="status">
            {hint}
          </p>
        )}
        {kind === "group" && (
          <label>
            {texts.places.slowMode}
            <select name="slow" defaultValue={slowModeS}>
              {slow.map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds === 0 ? texts.places.notSlow : texts.places.every(seconds)}
                </option>
              ))}
            </select>
          </label>
        )}
        {owns && (
          <label>
            {texts.places.notify}
            <select name="notify" defaultValue={notify}>
              <option value="">{texts.alerts.conversation.levels.usual}</option>
              {LEVELS.map((level) => (
                <option key={level} value={level}>
                  {texts.alerts.conversation.levels[level]}
                </option>
              ))}
            </select>
          </label>
        )}
        <FormButtons problem={problem} action={texts.places.save} disabled={busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

function rulesAt({
  kind,
  name = "",
  topic,
  description,
  public: isPublic,
  history,
  slowModeS = 0,
  notify,
}: Conversation): Rules {
  return {
    name,
    topic: topic ?? null,
    description: description ?? null,
    public: isPublic,
    history,
    notify: notify ?? null,
    ...(kind === "group" && { slowModeS }),
  };
}

function rulesOf(form: FormData): Rules {
  return {
    name: String(form.get("name")).trim(),
    topic: textIn(form, "topic"),
    description: textIn(form, "description"),
    public: form.has("public"),
    history: form.get("history") === "from-join" ? "from-join" : "all",
    ...(form.has("slow") ? { slowModeS: Number(form.get("slow")) } : {}),
    ...(form.has("notify") ? { notify: LEVELS.find((level) => level === form.get("notify")) ?? null } : {}),
  };
}

type TextField = "name" | "topic" | "description";

/** Returns the fields in which saving would replace what others have written since. */
function changedByOthers(before: Rules, now: Rules, changes: Partial<Rules>): TextField[] {
  const theirs = changesFrom(before, now);
  return (["name", "topic", "description"] as const).filter(
    (field) => field in theirs && field in changes && theirs[field] !== changes[field],
  );
}

const shown = (conversation: Conversation, field: TextField): string =>
  `${texts.places[field]}: “${conversation[field] ?? ""}”`;

/** Returns what saving would mean for who reads earlier messages; empty if there is nothing to say. */
function hintFor(before: Conversation, after: Rules): string {
  if (!before.public && showsAll(after)) return texts.places.allBecomesPublic;
  return before.history === "from-join" && after.history === "all" ? texts.places.onlyNewMembers : "";
}

/** Whether anyone can join, and read everything then. */
function showsAll({ public: isPublic, history }: Rules): boolean {
  return isPublic === true && history === "all";
}

/** Returns null for an empty text, which removes it. */
function textIn(form: FormData, name: string): string | null {
  const text = String(form.get(name)).trim();
  return text === "" ? null : text;
}
