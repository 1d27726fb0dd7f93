import type { MessagePart } from "@talkwire/client";
import { Circle, CircleCheck, CircleDot, CircleX, ListChecks } from "lucide-react";
import { Fold } from "./fold";
import { streamTexts } from "./texts";

const { plan: words } = streamTexts;

type PlanPart = Extract<MessagePart, { type: "plan" }>;

const ICONS = { pending: Circle, in_progress: CircleDot, complete: CircleCheck, error: CircleX };

interface Props {
  id: string;
  plan: PlanPart;
  isGrowing: boolean;
}

/** What an agent is going to do: how much of it is done and what is next, and when it is open all tasks. */
export function Plan({ id, plan: { title = words.title, tasks }, isGrowing }: Props) {
  const done = tasks.filter(({ status }) => status === "complete").length;
  const current = tasks.find(({ status }) => status === "in_progress");
  return (
    <Fold
      id={id}
      icon={ListChecks}
      title={title}
      state={
        <>
          {words.done(done, tasks.length)}
          {isGrowing && current !== undefined && (
            <>
              {" · "}
              <bdi>{current.title}</bdi>
            </>
          )}
        </>
      }
    >
      {() => (
        <ul className="tasks">
          {tasks.map(({ id: taskId, title: what, status, details }) => {
            const Icon = ICONS[status];
            return (
              <li key={taskId} className={status}>
                <Icon className="icon" role="img" aria-label={words.states[status]} />
                <div dir="auto">
                  {what}
                  {details !== undefined && <p className="task-details">{details}</p>}
                </div>
              </li>
            );
          })}
        </ul>
      )}
    </Fold>
  );
}
