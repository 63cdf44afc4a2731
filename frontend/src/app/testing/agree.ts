import { TestBed } from '@angular/core/testing';
import { Ask, Question } from '../ui/ask';

/** Answer all questions alike, and keep them. */
export function answerAll(isSure: boolean): Question[] {
  const questions: Question[] = [];
  vi.spyOn(TestBed.inject(Ask), 'confirm').mockImplementation((question) => {
    questions.push(question);
    return Promise.resolve(isSure);
  });
  return questions;
}
