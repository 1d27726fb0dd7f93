import { type FormEvent, type ReactNode, useState } from "react";
import { Dialog } from "../../ui/components/dialog";
import { FormButtons } from "../../ui/components/form_buttons";
import { useSay } from "../admin_context";

interface Props {
  title: string;
  /** The label of the button that confirms. */
  action: string;
  isDangerous?: boolean;
  /** Acts with what the reader has entered. Resolves to the outcome, in one sentence. */
  onSubmit: (fields: FormData) => Promise<string>;
  onClose: () => void;
  /** The consequences, and the fields. */
  children: ReactNode;
}

/** Asks before an action, says what will happen, and shows the outcome. A failure keeps it open. */
export function ActionDialog({ title, action, isDangerous = false, onSubmit, onClose, children }: Props) {
  const say = useSay();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      say(await onSubmit(new FormData(event.currentTarget)));
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} className="admin-dialog">
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <FormButtons problem={problem} action={action} disabled={busy} isDangerous={isDangerous} onClose={onClose} />
      </form>
    </Dialog>
  );
}
