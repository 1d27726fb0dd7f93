import { texts } from "../../texts";

interface Props {
  /** What was done although the rest failed. */
  done?: string;
  /** Why the server refused the form; empty when it did not. */
  problem: string;
  /** The label of the submit button. */
  action: string;
  disabled: boolean;
  /** Whether it deletes or removes something. */
  isDangerous?: boolean;
  /** Returns to what was before the form, in place of leaving the dialog. */
  back?: (() => void) | undefined;
  onClose: () => void;
}

/** The buttons of a form in a dialog, and why the server refused it: in one row, which stays in sight. */
export function FormButtons({ done, problem, action, disabled, isDangerous = false, back, onClose }: Props) {
  return (
    <div className="buttons">
      {done !== undefined && (
        <p className="done-already" role="status">
          {done}
        </p>
      )}
      <p className="problem" role="alert">
        {problem}
      </p>
      <button type="button" onClick={back ?? onClose}>
        {back === undefined ? texts.cancel : texts.goBack}
      </button>
      <button type="submit" className={isDangerous ? "destructive" : "primary"} disabled={disabled}>
        {action}
      </button>
    </div>
  );
}
