import { texts } from "../../texts";
import type { Saving } from "./use_saving";

/** Whether saving succeeded, also for screen readers. */
export function SaveStatus({ saving: { done, problem } }: { saving: Saving }) {
  return (
    <>
      <span className="done" role="status">
        {done ? texts.settings.saved : ""}
      </span>
      <p className="problem" role="alert">
        {problem}
      </p>
    </>
  );
}
