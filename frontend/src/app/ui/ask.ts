import { Component, Injectable, inject } from '@angular/core';
import { MAT_DIALOG_DATA, MatDialog, MatDialogModule } from '@angular/material/dialog';
import { MatSnackBar } from '@angular/material/snack-bar';
import { firstValueFrom } from 'rxjs';
import { Refused } from '../core/api';
import { problemOf } from '../core/problem';

/** A question before something is changed. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** The word on the button that does it. */
  readonly action: string;
  readonly isDangerous?: boolean;
}

@Component({
  selector: 'app-question',
  imports: [MatDialogModule],
  template: `
    <h2 mat-dialog-title>{{ question.title }}</h2>
    <mat-dialog-content>{{ question.text }}</mat-dialog-content>
    <mat-dialog-actions align="end">
      <button type="button" class="plain" [mat-dialog-close]="false">Back</button>
      <button
        type="button"
        class="plain"
        [class.primary]="!question.isDangerous"
        [class.danger]="question.isDangerous"
        [mat-dialog-close]="true"
      >
        {{ question.action }}
      </button>
    </mat-dialog-actions>
  `,
  styles: `
    mat-dialog-actions {
      gap: 8px;
    }
    mat-dialog-content {
      white-space: pre-line;
    }
  `,
})
class QuestionDialog {
  protected readonly question = inject<Question>(MAT_DIALOG_DATA);
}

/** Asks before something is done, and says how it went. */
@Injectable({ providedIn: 'root' })
export class Ask {
  private readonly dialog = inject(MatDialog);
  private readonly bar = inject(MatSnackBar);

  async confirm(question: Question): Promise<boolean> {
    const dialog = this.dialog.open<QuestionDialog, Question, boolean>(QuestionDialog, {
      data: question,
      maxWidth: 560,
    });
    return (await firstValueFrom(dialog.afterClosed())) ?? false;
  }

  /** Say that something is done. */
  tell(text: string): void {
    this.bar.open(text, 'OK', { duration: 6000 });
  }

  /** Say what stands against it. */
  refuse(error: unknown): void {
    const problem = error instanceof Refused ? error.problem : problemOf(error);
    this.bar.open([problem.detail, problem.hint].filter(Boolean).join(' '), 'OK');
  }

  /** Do something; what stands against it is said. Whether it is done. */
  async attempt(action: () => Promise<unknown>, done: string): Promise<boolean> {
    try {
      await action();
    } catch (error) {
      this.refuse(error);
      return false;
    }
    this.tell(done);
    return true;
  }
}
