import type { Conversation, Message } from "@talkwire/client";
import { fullTime, timeOfDay } from "../../time_format";
import { useChatState } from "../page/chat_context";
import { useNameIn } from "../people/use_name_in";
import { deskTexts } from "./texts";

const { lines } = deskTexts.notes;

/** What the server says in a line of the notes: what was done with the conversation, and the ids of those concerned. */
export interface DeskAction {
  readonly action: string;
  readonly handler?: string;
  readonly from?: string;
  readonly teamId?: string;
}

/** Returns what a note says that somebody did with the conversation; undefined for one that somebody wrote. */
export function actionOf({ type, metadata }: Message): DeskAction | undefined {
  const { desk } = (metadata ?? {}) as { desk?: DeskAction };
  return type === "system" ? desk : undefined;
}

interface Props {
  line: Message;
  done: DeskAction;
  /** The conversation that the notes are about. */
  about: Conversation;
}

/** A line of the notes: who took the conversation, handed it over or closed it. */
export function DeskLine({ line, done, about }: Props) {
  const { action, handler, from, teamId } = done;
  const teams = useChatState((state) => state.teams);
  const handlerName = useNameIn(about.id, handler);
  const fromName = useNameIn(about.id, from);
  const teamName =
    about.teams?.find((each) => each.teamId === teamId)?.name ?? teams.find(({ id }) => id === teamId)?.name;
  const words = wordsOf(action, line.sender.name, from && (fromName ?? deskTexts.somebody), handlerName ?? teamName);
  return (
    <p className="desk-line" data-id={line.id}>
      {/* What this page does not know, the server has in English. */}
      <span dir="auto">{words ?? line.content}</span>{" "}
      <time dateTime={line.createdAt} title={fullTime(line.createdAt)}>
        {timeOfDay(line.createdAt)}
      </time>
    </p>
  );
}

function wordsOf(action: string, by: string, from: string | undefined, to: string | undefined): string | undefined {
  switch (action) {
    case "claim":
      return from === undefined ? lines.claim(by) : lines.takeOver(by, from);
    case "handoff":
      return to === undefined ? undefined : lines.handoff(by, to);
    case "release":
    case "close":
    case "reopen":
      return lines[action](by);
    default:
      return undefined;
  }
}
