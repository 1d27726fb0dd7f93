import type { Conversation, Person } from "@talkwire/client";
import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat } from "../page/chat_context";
import { PeopleFinder } from "../people/people_finder";
import { whyNotAdded } from "../people/why_not_added";

interface Props {
  conversation: Conversation;
  /** Called when people were added, after `onClose`. */
  onAdded?: () => void;
  onClose: () => void;
}

/** Adds people to a group or a channel. */
export default function AddPeople({ conversation, onAdded, onClose }: Props) {
  const { moderation } = useChat();
  const [chosen, setChosen] = useState<readonly Person[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const { id, members } = conversation;

  const choose = (people: readonly Person[]): void => {
    setChosen(people);
    setProblem("");
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await moderation.add(
        id,
        chosen.map((user) => user.id),
      );
      onClose();
      onAdded?.();
    } catch (error) {
      setProblem(whyNotAdded(error as Error, chosen));
      setBusy(false);
    }
  };
  return (
    <Dialog title={texts.places.addTo(nameOf(conversation))} onClose={onClose} isChanged={chosen.length > 0}>
      <form onSubmit={(event) => void submit(event)}>
        <PeopleFinder
          isOpenAtFirst
          chosen={chosen}
          onChange={choose}
          without={members?.map(({ userId }) => userId) ?? []}
        />
        <FormButtons
          problem={problem}
          action={texts.places.add}
          disabled={busy || chosen.length === 0}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
