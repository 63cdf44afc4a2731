import { Component, computed, inject } from '@angular/core';
import type { TokenOut, TokensOut } from '../../api/types.gen';
import { Api, apiUrl, load } from '../../core/api';
import { Clock } from '../../core/clock';
import { Ask } from '../../ui/ask';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';
import { NewToken } from './new-token';

/** Who may come in with a token. */
@Component({
  selector: 'app-tokens',
  imports: [NewToken, Panel, Time],
  templateUrl: './tokens.html',
})
export class Tokens {
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);
  private readonly clock = inject(Clock);
  protected readonly tokens = load<TokensOut>(() => apiUrl('/tokens'));
  protected readonly rows = computed(() =>
    (this.tokens.value()?.items ?? []).map((token) => ({ ...token, state: this.stateOf(token) })),
  );

  protected async revoke(token: TokenOut): Promise<void> {
    const isWanted = await this.ask.confirm({
      title: `Revoke the token ${token.name}?`,
      text: 'Nobody gets in with it any more, and the browsers that signed in with it are signed out.',
      action: 'Revoke',
      isDangerous: true,
    });
    if (!isWanted) return;
    await this.ask.attempt(
      () => this.api.delete(`/tokens/${token.token_id}`),
      `The token ${token.name} is revoked.`,
    );
    this.tokens.reload();
  }

  private stateOf(token: TokenOut): 'revoked' | 'expired' | 'valid' {
    if (token.revoked_at) return 'revoked';
    return token.expires_at && Date.parse(token.expires_at) <= this.clock.now()
      ? 'expired'
      : 'valid';
  }
}
