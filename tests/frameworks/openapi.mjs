// Whether a document is valid OpenAPI, by an independent validator.
import { Validator } from '@seriousme/openapi-schema-validator';

export { Validator };

export async function validate(document) {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  return valid ? [] : [typeof errors === 'string' ? errors : JSON.stringify(errors).slice(0, 2_000)];
}
