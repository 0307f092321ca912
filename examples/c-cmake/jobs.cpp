// Jobs of which a customer may run two at once: a permit goes back when it goes out of scope.

#include <iostream>
#include <vector>

#include <ratecell.hpp>

int main() {
    try {
        const ratecell::limiter limiter("jobs: concurrency 2 by customer; starts: 600/min by customer");
        {
            std::vector<ratecell::permit> running;
            for (int job = 0; job < 3; job++) {
                ratecell::permit permit = limiter.hold({{"customer", "acme"}});
                if (!permit) {
                    std::cout << limiter.explain(permit.decision()) << '\n';
                    continue;
                }
                running.push_back(std::move(permit));
            }
            if (running.size() != 2) return 1;
        }
        const ratecell::permit again = limiter.hold({{"customer", "acme"}});
        if (!again) return 1;
        std::cout << limiter.headers(again.decision(), RATECELL_HEADERS_X_CONCURRENCY,
                                     limiter.now_ns());
    } catch (const ratecell::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    try {
        const ratecell::limiter wrong("600/fortnight");
    } catch (const ratecell::error &error) {
        std::cout << error.what() << '\n';
        return error.offset() == 4 ? 0 : 1;
    }
    return 1;
}
