import { type ReactNode, useRef } from "react";
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
  /** What follows the name. */
  mark?: ReactNode;
  /** What follows the time: ticks and marks. */
  children?: ReactNode;
}

/** Who wrote what is below, and when: the picture, and a line with the name and the time. */
export function AuthorLine({ userId, name, picture, at, mark, children }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      {/* The name beside it does the same, and a second button of this name would be one too many. */}
      <span className="face reach" aria-hidden="true" onClick={() => button.current?.click()}>
        <Avatar id={userId} name={name} picture={picture} />
      </span>
      <header>
        <PersonButton userId={userId} name={name} className="name" ref={button}>
          <bdi>{name}</bdi>
        </PersonButton>
        <NamesakeHandle userId={userId} name={name} />
        {mark}
        <span className="after-name">
          <time dateTime={at} title={fullTime(at)}>
            {timeOfDay(at)}
          </time>
          {children}
        </span>
      </header>
    </>
  );
}

/** The author of what continues the message above it: not on the screen, but for screen readers and in copied text. */
export const ContinuedAuthor = ({ name }: { name: string }) => <span className="hidden">{name}</span>;
