// Where an edition of OpenAI's document says other than OpenAI's API does today, by the edition's version: the place in
// the reply, what the validator says of it, and why the reply is right.
export const EXCEPTIONS = {
  '1.2.0': [
    {
      where: /^\/choices\/\d+\/message\/content$/, says: 'must be string',
      why: 'This edition is older than tool calls, beside which the content is null.',
    },
  ],
};
