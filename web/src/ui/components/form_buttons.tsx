import { texts } from "../../texts";

interface Props {
  /** Why the server did not take it; empty when it did, or was not asked. */
  problem: string;
  /** What the button says that sends the form. */
  action: string;
  disabled: boolean;
  /** Whether it takes something away. */
  isDangerous?: boolean;
  onClose: () => void;
}

/** The end of a form in a dialog: why it was refused, a way out, and what sends it. */
export function FormButtons({ problem, action, disabled, isDangerous = false, onClose }: Props) {
  return (
    <>
      <p className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="button" className="quiet" onClick={onClose}>
          {texts.cancel}
        </button>
        <button type="submit" className={isDangerous ? "danger" : "primary"} disabled={disabled}>
          {action}
        </button>
      </div>
    </>
  );
}
