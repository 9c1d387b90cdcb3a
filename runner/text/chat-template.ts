import { MalformedError, quote } from '../errors.ts';
import { compile, TemplateError } from './jinja/template.ts';

/** One turn. Templates see every field of it, as with transformers: tool_calls, name, reasoning_content and others. */
export interface ChatMessage {
  role: string;
  content?: unknown;
}

export type ApplyChat = (messages: readonly ChatMessage[], options: { thinking: boolean }) => string;

/**
 * A chat template (Jinja source) as a function. `thinking` reaches the template as `enable_thinking`; no generation
 * prompt is added; `tools` and `documents` are None. `tokens` are the special tokens that templates may name, such as
 * `bos_token`; those that the tokenizer has not are undefined.
 *
 * @param thing what to call the template in errors: its file and field.
 * @throws MalformedError when the template cannot be parsed, or when it fails on the messages.
 */
export function chatTemplate(
  source: string,
  tokens: Readonly<Record<string, string | null>>,
  thing: string,
): ApplyChat {
  const render = attempt(thing, 'a Jinja chat template', () => compile(source));
  const special = Object.fromEntries(Object.entries(tokens).filter(([, text]) => text !== null));
  return (messages, { thinking }) =>
    attempt(thing, 'a chat template that accepts these messages', () =>
      render({
        ...special,
        messages: messages.map(asTemplatesSeeIt),
        tools: null,
        documents: null,
        add_generation_prompt: false,
        enable_thinking: thinking,
      }),
    );
}

/** Names that reasoning goes by, the first that is there counting. */
const REASONING = ['reasoning_content', 'thinking', 'reasoning'];

/** As transformers' apply_chat_template hands a message on: without nulls, reasoning under the names templates read. */
function asTemplatesSeeIt(message: ChatMessage): Record<string, unknown> {
  const fields = Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));
  const name = REASONING.find((each) => fields[each] !== undefined);
  if (name === undefined) return fields;
  return { thinking: fields[name], ...fields, reasoning_content: fields[name] };
}

function attempt<T>(thing: string, expected: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    const next = 'Check the template, or take the text from a source without conversations.';
    throw new MalformedError({ thing, found: quote(cause.message), expected, next }, { cause });
  }
}
