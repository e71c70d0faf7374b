//! Making hashes of new passwords, and changing one's own.

use std::net::IpAddr;
use std::time::Instant;

use super::{Auth, SignInError, audit_row, failure_keys};
use crate::access::Scope;
use crate::api::extract::Officer;
use crate::api::problem::Problem;
use crate::engine::people::{ChangePerson, PersonChange};
use crate::secrets;
use crate::store::accounts::AccountChange;

impl Auth {
    /// The hash of a new password.
    ///
    /// # Errors
    /// When it is no password.
    pub async fn new_hash(&self, password: String) -> Result<String, Problem> {
        secrets::check_password(&password).map_err(Problem::invalid)?;
        let _permit = self
            .hashing
            .acquire()
            .await
            .expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || secrets::password_hash(&password))
            .await
            .map_err(|_| Problem::internal())
    }

    /// Changes one's own password; one's other sessions end. Wrong guesses of the present one count like
    /// failed sign-ins.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn change_password(
        &self,
        officer: &Officer,
        current: String,
        new: String,
        address: IpAddr,
    ) -> Result<(), SignInError> {
        let username = &officer.actor.username;
        let keys = failure_keys(username, address);
        for (key, share) in &keys {
            if let Some(seconds) = self.limiter.wait_s(key, *share, Instant::now()) {
                return Err(SignInError::TooMany(seconds));
            }
        }
        let user = self.store.user(username).await;
        let user = user.map_err(|why| SignInError::Problem(why.into()))?;
        let hash = user.map(|user| user.password_hash);
        if !self.password_fits(current, hash).await? {
            let now = Instant::now();
            for (key, share) in keys {
                self.limiter.failed(key, share, now);
            }
            let refused = audit_row(username, "password_change_refused", address);
            self.account(AccountChange::Audit(refused)).await?;
            return Err(SignInError::WrongCredentials);
        }
        let password_hash = self.new_hash(new).await.map_err(SignInError::Problem)?;
        let task = ChangePerson {
            username: username.clone(),
            change: PersonChange::OwnPassword {
                password_hash,
                session: officer.session.token_hash.clone(),
            },
            scope: Scope::whole(),
            actor: username.clone(),
            address: address.to_string(),
        };
        let done = self.engine.run(task, crate::now()).await;
        match done.map_err(|why| SignInError::Problem(why.into()))? {
            Ok(_) => Ok(()),
            Err(_) => Err(SignInError::Problem(Problem::not_signed_in())),
        }
    }
}
