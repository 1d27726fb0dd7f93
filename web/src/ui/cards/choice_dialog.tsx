import type { CardAction, Message } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { InputFields, inputOf } from "./input_fields";
import { cardTexts as texts } from "./texts";
import { useCards } from "./use_cards";
import "./choice_dialog.css";

const COMMENT_MAX = 1000;

interface Props {
  message: Message;
  actionId: string;
  onClose: () => void;
}

/** Asks for confirmation of a choice, which is final, and for what its action wants to know. */
export default function ChoiceDialog({ message, actionId, onClose }: Props) {
  const action = message.card?.actions.find(({ id }) => id === actionId);
  return action === undefined ? null : <Choice message={message} action={action} onClose={onClose} />;
}

function Choice({ message, action, onClose }: { message: Message; action: CardAction; onClose: () => void }) {
  const cards = useCards();
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const { input } = action;
  const isOver = message.card?.state !== "open";
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const comment = String(form.get("comment")).trim();
    setSending(true);
    setProblem("");
    try {
      await cards.choose(message.id, [action.id], {
        ...(input === undefined ? {} : { input: inputOf(input.schema, form) }),
        ...(comment === "" ? {} : { comment }),
      });
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setSending(false);
    }
  };
  return (
    <Dialog title={action.label} onClose={onClose} focusOn={input === undefined ? "[type=submit]" : "input"}>
      <form className="choice-form" onSubmit={(event) => void submit(event)}>
        <p className="choice-of" dir="auto">
          {message.card?.title}
        </p>
        {input !== undefined && <InputFields input={input} />}
        <label>
          {texts.comment}
          <textarea name="comment" rows={2} maxLength={COMMENT_MAX} />
        </label>
        <p className="hint">{texts.final}</p>
        <FormButtons
          problem={isOver && !isSending ? texts.over : problem}
          action={action.label}
          disabled={isSending || isOver}
          isDangerous={action.style === "danger"}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
