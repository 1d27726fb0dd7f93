import type { ReactNode } from "react";
import { fullTime, timeOfDay } from "../../time_format";
import { Avatar } from "../components/avatar";
import { PersonButton } from "../people/person_button";
import { NamesakeHandle } from "../people/person_handle";
import "./author_line.css";

interface Props {
  userId: string;
  name: string;
  picture: string | undefined;
  /** When it was written, in ISO 8601. */
  at: string;
  /** What follows the time: ticks and marks. */
  children?: ReactNode;
}

/** Who wrote what is below, and when: the picture, and a line with the name and the time. */
export function AuthorLine({ userId, name, picture, at, children }: Props) {
  return (
    <>
      <PersonButton userId={userId} name={name} className="face" isExtra>
        <Avatar id={userId} name={name} picture={picture} />
      </PersonButton>
      <header>
        <PersonButton userId={userId} name={name} className="name">
          <bdi>{name}</bdi>
        </PersonButton>
        <NamesakeHandle userId={userId} name={name} />
        <time dateTime={at} title={fullTime(at)}>
          {timeOfDay(at)}
        </time>
        {children}
      </header>
    </>
  );
}
