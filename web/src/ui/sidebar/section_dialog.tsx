import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";

interface Props {
  title: string;
  name?: string;
  onName: (name: string) => Promise<unknown>;
  onClose: () => void;
}

/** Asks for the name of a section of the list. */
export default function SectionDialog({ title, name = "", onName, onClose }: Props) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const wanted = String(new FormData(event.currentTarget).get("name")).trim();
    if (wanted === "") return;
    setBusy(true);
    setProblem("");
    try {
      await onName(wanted);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {texts.places.sections.name}
          <input name="name" required maxLength={50} defaultValue={name} autoComplete="off" />
        </label>
        <FormButtons action={texts.places.sections.save} disabled={busy} problem={problem} onClose={onClose} />
      </form>
    </Dialog>
  );
}
