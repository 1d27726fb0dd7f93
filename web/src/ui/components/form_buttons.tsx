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
  onClose: () => void;
}

/** The buttons of a form in a dialog, and why the server refused it. */
export function FormButtons({ done, problem, action, disabled, isDangerous = false, onClose }: Props) {
  return (
    <>
      {done !== undefined && (
        <p className="done-already" role="status">
          {done}
        </p>
      )}
      <p className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {texts.cancel}
        </button>
        <button type="submit" className={isDangerous ? "destructive" : "primary"} disabled={disabled}>
          {action}
        </button>
      </div>
    </>
  );
}
