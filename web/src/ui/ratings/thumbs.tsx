import type { Message, Rating } from "@talkwire/client";
import { type LucideIcon, ThumbsDown, ThumbsUp } from "lucide-react";
import { useEffect } from "react";
import { useStore } from "zustand";
import { type GivenRating, type Ratings, ratingsOf } from "../../chat/messages/ratings";
import { useChat } from "../page/chat_context";
import { ratingTexts } from "./texts";
import "./thumbs.css";

/** Two thumbs with which readers rate a message, and after a bad rating the way to say why. */
export default function Thumbs({ message }: { message: Message }) {
  const ratings = ratingsOf(useChat());
  const rating = useStore(ratings.state, (all) => all.get(message.id));
  const isUnknown = rating === undefined;
  useEffect(() => {
    if (isUnknown) void ratings.load(message.id);
  }, [ratings, message.id, isUnknown]);
  return rating ? <Known ratings={ratings} rating={rating} message={message} /> : null;
}

function Known({ ratings, rating, message }: { ratings: Ratings; rating: Rating; message: Message }) {
  const chat = useChat();
  const { mine, comment, up, down } = rating;
  const press = (given: GivenRating) => (): void => {
    const next = given === mine ? 0 : given;
    ratings.rate(message, next).catch((error: Error) => chat.showNotice(error.message));
  };
  return (
    <div className="thumbs">
      <fieldset aria-label={ratingTexts.title}>
        <Thumb icon={ThumbsUp} label={ratingTexts.good} isMine={mine === 1} count={up} onClick={press(1)} />
        <Thumb icon={ThumbsDown} label={ratingTexts.bad} isMine={mine === -1} count={down} onClick={press(-1)} />
      </fieldset>
      {mine === -1 && (
        <button
          type="button"
          className="link reach"
          title={comment}
          onClick={() => chat.openMessageDialog({ kind: "rating", message })}
        >
          {comment === undefined ? ratingTexts.sayWhy : ratingTexts.changeWhy}
        </button>
      )}
    </div>
  );
}

interface ThumbProps {
  icon: LucideIcon;
  label: string;
  isMine: boolean;
  /** How many have rated the message so, for readers who see that. */
  count: number | undefined;
  onClick: () => void;
}

function Thumb({ icon: Icon, label, isMine, count = 0, onClick }: ThumbProps) {
  const name = count === 0 ? label : ratingTexts.counted(label, count);
  return (
    <button
      type="button"
      className="icon-button thumb reach"
      aria-pressed={isMine}
      aria-label={name}
      title={label}
      onClick={onClick}
    >
      <Icon className="icon" aria-hidden="true" />
      {count > 0 && <span aria-hidden="true">{count}</span>}
    </button>
  );
}
