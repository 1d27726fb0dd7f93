import type { Person } from "@talkwire/client";
import { Avatar } from "../components/avatar";
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
