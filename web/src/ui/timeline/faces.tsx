import type { Person } from "@talkwire/client";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { Avatar } from "../components/avatar";
import { useFromNow } from "../page/use_from_now";
import "./faces.css";

/** Small pictures of a few people, in front of each other. The names are in the text beside them, or not needed. */
export function Faces({ people }: { people: readonly Person[] }) {
  return (
    <span className="faces" aria-hidden="true">
      {people.map(({ id, name, avatar }) => (
        <Avatar key={id} id={id} name={name} picture={avatar} />
      ))}
    </span>
  );
}

/** How long ago the last reply of a thread was written. */
export function LastReply({ at }: { at: string }) {
  const ago = useFromNow(at);
  return (
    <time dateTime={at} title={fullTime(at)} data-ago={ago}>
      {texts.threads.lastReply(ago)}
    </time>
  );
}
