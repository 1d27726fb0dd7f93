import { memo, useEffect, useState } from "react";
import { GrowingBlocks, type Section } from "../../chat/streams/growing_blocks";
import { unfold } from "../markdown/markdown";
import { blockElement, inlineElements, type TextOf } from "../markdown/markdown_blocks";

/** Sections that are compared and drawn together, so that few are where only the last ones have changed. */
const TOGETHER = 20;

interface Props {
  text: string;
  isGrowing: boolean;
  textOf: TextOf;
}

/** A text in Markdown that grows, or has grown: only its last block is drawn again. */
export const GrowingText = memo(function GrowingText({ text, isGrowing, textOf }: Props) {
  const [blocks] = useState(() => new GrowingBlocks());
  const sections = blocks.read(text, isGrowing);
  useEffect(() => {
    // When it comes into sight again, it is drawn as all texts are.
    if (!isGrowing) unfold(text);
  }, [isGrowing, text]);
  const groups = Array.from({ length: Math.ceil(sections.length / TOGETHER) }, (_, index) =>
    sections.slice(index * TOGETHER, (index + 1) * TOGETHER),
  );
  return (
    <div className="text">
      <div dir="auto">
        <div>
          {groups.map((group, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the sections of a text keep their order
            <Sections key={index} sections={group} textOf={textOf} before={sections[index * TOGETHER - 1]} />
          ))}
        </div>
      </div>
    </div>
  );
});

interface SectionsProps {
  sections: readonly Section[];
  textOf: TextOf;
  /** The section above them. */
  before: Section | undefined;
}

const Sections = memo(
  function Sections({ sections, textOf, before }: SectionsProps) {
    return sections.map((section, index) => {
      const above = sections[index - 1] ?? before;
      return (
        <SectionView
          // biome-ignore lint/suspicious/noArrayIndexKey: the sections of a text keep their order
          key={index}
          section={section}
          textOf={textOf}
          continues={above?.block.kind === "text"}
        />
      );
    });
  },
  (one, other) =>
    one.textOf === other.textOf &&
    one.before?.block.kind === other.before?.block.kind &&
    one.sections.length === other.sections.length &&
    one.sections.every((section, index) => section === other.sections[index]),
);

interface SectionProps {
  section: Section;
  textOf: TextOf;
  /** Whether it belongs to the text above it. */
  continues: boolean;
}

const SectionView = memo(function SectionView({ section: { block, gap }, textOf, continues }: SectionProps) {
  if (block.kind !== "text") return blockElement(block, 0, textOf);
  return (
    <p className={continues ? "next-paragraph" : undefined}>
      {"\n".repeat(gap)}
      {inlineElements(block.inside, textOf)}
    </p>
  );
});
