import type { Message } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { useStore } from "zustand";
import { ratingsOf } from "../../chat/messages/ratings";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat } from "../page/chat_context";
import { ratingTexts } from "./texts";

const COMMENT_MAX = 1000;

interface Props {
  message: Message;
  onClose: () => void;
}

/** Asks why the reader has rated a message as bad. Without a comment, the former one is removed. */
export default function RatingComment({ message, onClose }: Props) {
  const ratings = ratingsOf(useChat());
  const comment = useStore(ratings.state, (all) => all.get(message.id)?.comment);
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget).get("comment")).trim();
    setSending(true);
    setProblem("");
    try {
      await ratings.rate(message, -1, given === "" ? undefined : given);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setSending(false);
    }
  };
  return (
    <Dialog title={ratingTexts.why} focusOn="textarea" onClose={onClose}>
      <form className="question" onSubmit={(event) => void submit(event)}>
        <label>
          {ratingTexts.comment}
          <textarea name="comment" rows={3} maxLength={COMMENT_MAX} defaultValue={comment} />
        </label>
        <p className="hint">{ratingTexts.hint}</p>
        <FormButtons problem={problem} action={ratingTexts.send} disabled={isSending} onClose={onClose} />
      </form>
    </Dialog>
  );
}
